//! A running relay: opens the folder, the database, the ledger's thread, the door and the local socket, in that order;
//! and ends in the other.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use venia_proto::address::{HostPort, RelayAddress};
use venia_proto::ledger::notice::Succession;
use venia_proto::now::Wall;

use super::accept::{Door, DoorError};
use super::admin;
use super::audit::Desk;
use super::config::{Config, ConfigError};
use super::cosigning::{Cosigned, rounds};
use super::erasing;
use super::hall::Hall;
use super::identity::{IdentityError, Keys};
use super::ledger::StoreError;
use super::ledger::committer::{self, StartError, Surroundings};
use super::ledger::head::{HeadError, HeadFile};
use super::ledger::limits::Limits;
use super::ledger::sealed::Room;
use super::ledger::sqlite::Sqlite;
use super::ledger::succession::{self, SuccessionError};
use super::organisation::{ChangeError, Organisation};
use super::peer::{self, Relay};
use super::recovery;
use super::roster::Roster;
use super::settings::SettingsError;
use crate::client::code;
use crate::client::home::{Home, HomeError};
use crate::clock;

/// The database's name in the data folder.
pub const DATABASE: &str = "relay.db";
/// Where the address somebody chose with `--public` is remembered.
const PUBLIC_FILE: &str = "public";
const PUBLIC_MAX: usize = 300;
/// How often deadlines and addresses are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often the ledger is asked whether a heartbeat is due: well within the slack an auditor allows.
const PULSE: Duration = Duration::from_secs(5);
/// How often the year is looked at.
const TURN: Duration = Duration::from_secs(15 * 60);
/// How often the statement's age is looked at.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long open connections may take to end.
const DRAIN: Duration = Duration::from_secs(5);

/// What a relay is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What the address says; `None`: what it said last time, else where it listens.
    pub public: Option<HostPort>,
    /// What the organisation calls itself; `None`: as last time, else the host of its address.
    pub name: Option<String>,
    /// Days technicians keep openings; `None`: as last time, else [`super::settings::KEEP_DAYS`].
    pub keep_days: Option<u32>,
    /// How much the ledger takes from whom.
    pub limits: Limits,
}

/// A relay that can't start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Keys or statement.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// What the operator set.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A name or a number that can't be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The copy of the log's head beside it.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] StartError),
    /// The network.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// The network or the local socket.
    #[error("the operating system gave no socket")]
    Socket(#[source] std::io::Error),
    /// A new year's log.
    #[error(transparent)]
    Succession(#[from] SuccessionError),
    /// The folder is a copy that `venia-relay backup` made: going on from it as if nothing had happened would be a fork.
    #[error("this folder is a backup of {0}")]
    IsBackup(Wall),
    /// It listens everywhere, so nobody knows what to call it.
    #[error("a relay that listens on every address must be told its public one")]
    NoPublic,
}

impl From<ChangeError> for ServeError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Settings(error) => Self::Settings(error),
            ChangeError::Identity(error) => Self::Identity(error),
        }
    }
}

/// A relay that runs until [`Running::stop`].
pub struct Running {
    listening: SocketAddr,
    relay: Arc<Relay>,
    door: Arc<Door>,
    stopping: CancellationToken,
    tasks: TaskTracker,
    ledger: JoinHandle<()>,
    socket: std::path::PathBuf,
    /// Last: until everything has ended, nobody else may use the folder.
    _home: Arc<Home>,
}

impl Running {
    /// Starts a relay in this folder. It accepts connections when this returns.
    pub async fn start(folder: &Path, options: Options) -> Result<Self, ServeError> {
        let home = Arc::new(Home::open(folder, true)?);
        let mut store = Sqlite::open(&home.path(DATABASE)?)?;
        recovery::may_sign(&home)?;
        let keys = turn(&home, &mut store, Keys::open(&home)?, clock::now().wall)?;
        succession::bury(&home)?;
        let config = Config::read(&home)?;
        let door = Door::open(options.listen, &keys.tls, config.door)?;
        let listening = door.local_addr().map_err(ServeError::Socket)?;
        let public = public(&home, options.public, listening)?;
        let Options { name, keep_days, limits, .. } = options;
        let log = keys.log.named(keys.log.verifier().name.clone());
        let organisation = Organisation::open(
            home.clone(),
            keys,
            public,
            |settings| {
                name.as_deref().map_or(Ok(()), |name| settings.call(name))?;
                keep_days.map_or(Ok(()), |days| settings.keep(days))
            },
            clock::now().wall,
        )?;
        let head = HeadFile::open(&home, &log.verifier().name)?;
        let disk = folder.to_owned();
        let surroundings = Surroundings {
            now: Arc::new(clock::now),
            free: Arc::new(move || free(&disk)),
            limits,
            head: Some(Arc::new(head)),
        };
        let origin = log.verifier().clone();
        let roster = Arc::new(Roster::open(&store)?);
        let (ledger, thread) = committer::start(store, log, surroundings)?;
        let desk = Desk::open(&home.path(DATABASE)?, &origin)?;
        desk.strip();
        let cosigned = Arc::new(Cosigned::open(home.clone(), origin)?);
        let listener = admin::listen(folder).map_err(ServeError::Socket)?;
        let relay = Arc::new(Relay {
            hall: Arc::new(Hall::new(door.flows().clone(), config.flow)),
            roster,
            ledger,
            organisation: Arc::new(organisation),
            desk,
            room: Room::default(),
            cosigned: cosigned.clone(),
        });
        relay.organisation.put_on_record(&relay.ledger).await;
        let (door, stopping, tasks) = (Arc::new(door), CancellationToken::new(), TaskTracker::new());
        tasks.spawn(stopping.clone().run_until_cancelled_owned(admin::serve(relay.clone(), listener)));
        tasks.spawn(stopping.clone().run_until_cancelled_owned(years(relay.clone())));
        tasks.spawn(stopping.clone().run_until_cancelled_owned(tick(relay.clone())));
        tasks.spawn(stopping.clone().run_until_cancelled_owned(pulse(relay.clone())));
        tasks.spawn(stopping.clone().run_until_cancelled_owned(erasing::sweep(relay.clone())));
        let asking = rounds::run(relay.ledger.clone(), relay.organisation.clone(), cosigned);
        tasks.spawn(stopping.clone().run_until_cancelled_owned(asking));
        tasks.spawn(stopping.clone().run_until_cancelled_owned(welcome(relay.clone(), door.clone(), tasks.clone())));
        let socket = folder.join(admin::SOCKET);
        Ok(Self { listening, relay, door, stopping, tasks, ledger: thread, socket, _home: home })
    }

    /// What people type to find it.
    pub fn address(&self) -> RelayAddress {
        self.relay.organisation.address()
    }

    /// Where it listens.
    pub fn listening(&self) -> SocketAddr {
        self.listening
    }

    /// Waits until a new year's log is due and nobody is here for whom it would come in between: no session is open, and
    /// nobody waits for a technician. Then stop this relay and start it again.
    pub async fn outlived(&self) {
        let log = self.relay.organisation.keys.log.verifier().clone();
        let mut looks = tokio::time::interval(TURN);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if self.relay.hall.is_busy() {
                continue;
            }
            let log = log.clone();
            let due = self.relay.ledger.perform(move |store| succession::due(store, &log, clock::now().wall)).await;
            match due {
                Ok(Ok(true)) => return,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "nobody knows whether the year is over");
                }
                Err(refusal) => tracing::warn!(?refusal, "nobody knows whether the year is over"),
            }
        }
    }

    /// Stops this relay and starts it again on its port, as a change of log needs. The system gives the port back a moment
    /// after the last packet.
    pub async fn again(self, folder: &Path, options: Options) -> Result<Self, ServeError> {
        let options = Options { listen: self.listening, ..options };
        self.stop().await;
        let end = tokio::time::Instant::now() + DRAIN;
        loop {
            match Self::start(folder, options.clone()).await {
                Err(ServeError::Door(DoorError::Listen { .. })) if tokio::time::Instant::now() < end => {
                    tokio::time::sleep(TICK).await;
                }
                started => return started,
            }
        }
    }

    /// Says goodbye, lets open calls end, and closes the ledger. What was receipted is durable already.
    pub async fn stop(self) {
        let Self { relay, door, stopping, tasks, ledger, socket, _home, .. } = self;
        stopping.cancel();
        // No operator finds a socket that nobody answers.
        let _ = std::fs::remove_file(&socket);
        let ending = async {
            door.close(code::GOING_DOWN, b"").await;
            tasks.close();
            tasks.wait().await;
        };
        if tokio::time::timeout(DRAIN, ending).await.is_err() {
            tracing::warn!("some connections didn't end in time");
        }
        drop(relay);
        let joined = tokio::task::spawn_blocking(move || ledger.join());
        if !matches!(tokio::time::timeout(DRAIN, joined).await, Ok(Ok(Ok(())))) {
            tracing::warn!("the ledger's thread didn't end in time");
        }
    }
}

/// Takes peers in, each in a task of its own.
async fn welcome(relay: Arc<Relay>, door: Arc<Door>, tasks: TaskTracker) {
    while let Some(arrival) = door.accept().await {
        let relay = relay.clone();
        tasks.spawn(async move {
            let mut arrival = arrival;
            match arrival.connected().await {
                Ok(connection) => peer::serve(relay, connection).await,
                Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "nobody came in"),
            }
        });
    }
}

/// Looks once a day whether the statement must be signed again.
async fn years(relay: Arc<Relay>) {
    let mut days = tokio::time::interval(DAY);
    days.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first comes at once, and the start has looked.
    days.tick().await;
    loop {
        days.tick().await;
        if let Err(error) = relay.organisation.renew(clock::now().wall) {
            tracing::error!(error = &error as &dyn std::error::Error, "the statement can't be signed again");
        }
        relay.organisation.put_on_record(&relay.ledger).await;
    }
}

/// A new year's log, if it is time for one. A log that was set back isn't ended: that is [`recovery`]'s to say.
fn turn(home: &Home, store: &mut Sqlite, keys: Keys, now: Wall) -> Result<Keys, ServeError> {
    let log = keys.log.verifier();
    if !succession::due(store, log, now)? {
        return Ok(keys);
    }
    succession::against(store, HeadFile::open(home, &log.name)?.before())?;
    let begun = succession::succeed(home, store, Succession::Year, now)?;
    tracing::info!(origin = %begun.origin, closed = begun.closed.size, "a new year's log begins");
    Ok(Keys::open(home)?)
}

async fn tick(relay: Arc<Relay>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        // Without random numbers nobody is asked, and the old address stays the target.
        relay.hall.tick(|| peer::random().ok());
    }
}

/// Keeps the log's heart beating, and notes sessions that nobody closed. (SECURITY F6, E7)
async fn pulse(relay: Arc<Relay>) {
    let mut ticks = tokio::time::interval(PULSE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        relay.ledger.beat(relay.hall.is_busy()).await;
    }
}

/// What the address says: what was asked for, else what was asked for before, else where it listens.
fn public(home: &Home, asked: Option<HostPort>, listening: SocketAddr) -> Result<HostPort, ServeError> {
    if let Some(asked) = asked {
        home.write(PUBLIC_FILE, asked.to_string().as_bytes())?;
        return Ok(asked);
    }
    if let Some(remembered) = home.read(PUBLIC_FILE, PUBLIC_MAX)? {
        let text = String::from_utf8_lossy(&remembered);
        return text.trim_ascii().parse().map_err(|_| IdentityError::Name(text.into_owned()).into());
    }
    if listening.ip().is_unspecified() {
        return Err(ServeError::NoPublic);
    }
    let canonical = SocketAddr::new(listening.ip().to_canonical(), listening.port());
    canonical.to_string().parse().map_err(|_| ServeError::NoPublic)
}

/// Bytes this user may still write there; none if it can't be told.
fn free(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}
