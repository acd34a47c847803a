//! `security.remote-access`: *is someone else in my PC?*
//!
//! Programs for remote help, management and tunnels, by process, service, port and folder, and who is connected through
//! them now. It is *not* proof that nobody is: a program that hides, or that was renamed, isn't on any list; nor are
//! sessions that go over a maker's servers, which look like any other connection.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::program::Programs;
use super::remote_tools::{ALL, COMMON, Lets, RemoteTool};
use super::socket::{Incoming, Sockets};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Folders of systemd's services of the whole system (systemd.unit(5)).
const SERVICES: [&str; 3] = ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];
/// Most findings of each kind; the table has the rest.
const FINDINGS: usize = 8;

pub(crate) struct RemoteAccess;

pub(crate) struct Inputs {
    programs: Programs,
    /// Names of service files.
    services: Vec<String>,
    /// Places of [`ALL`] that exist.
    places: Vec<&'static str>,
    sockets: Sockets,
}

/// What is known of one tool.
struct State {
    tool: &'static RemoteTool,
    /// What shows that it is installed.
    installed: Option<String>,
    /// What shows that it runs.
    runs: Option<String>,
    /// What shows that somebody is connected.
    connected: Option<String>,
}

impl Check for RemoteAccess {
    const ID: &'static str = "security.remote-access";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let incoming = inputs.sockets.incoming();
        let found: Vec<State> = ALL.iter().filter_map(|tool| State::of(tool, &inputs, &incoming)).collect();
        let running = found.iter().filter(|state| state.runs.is_some()).count() as u64;
        draft.fact("known", ALL.len() as u64, "");
        draft.fact("installed", found.len() as u64, "");
        draft.fact("running", running, "");
        say_connected(&mut draft, &found);
        say_running(&mut draft, &found, Lets::Control, "control-running");
        say_running(&mut draft, &found, Lets::Manage, "manage-running");
        say_running(&mut draft, &found, Lets::In, "way-in-running");
        if let Some(why) = inputs.sockets.unread() {
            draft.finding(Severity::Unknown, "connections-hidden", &[], why);
        }
        if !inputs.programs.all {
            draft.finding(Severity::Unknown, "programs-hidden", &[], "/proc/1/comm can't be seen");
        } else if running == 0 && draft.findings.iter().all(|finding| finding.severity == Severity::Unknown) {
            let evidence = format!("{} tools looked for by process, service, port and folder", ALL.len());
            if found.is_empty() {
                draft.finding(Severity::Ok, "nothing-found", &[], evidence);
            } else {
                draft.finding(Severity::Ok, "installed-only", &[("count", (found.len() as u64).into())], evidence);
            }
        }
        draft.table("tools", &["tool", "lets", "state", "seen"], found.iter().map(State::row).collect());
        draft.table("connections", &["tool", "port", "from"], connections(incoming));
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let mut services: Vec<String> = SERVICES.iter().flat_map(|folder| machine.names(folder)).collect();
    services.retain(|name| name.ends_with(".service"));
    let places = ALL.iter().flat_map(|tool| tool.places).copied().filter(|place| machine.has(place)).collect();
    Inputs { programs: Programs::of(machine), services, places, sockets: Sockets::of(machine) }
}

impl State {
    fn of(tool: &'static RemoteTool, inputs: &Inputs, incoming: &[Incoming]) -> Option<Self> {
        let place = tool.places.iter().find(|place| inputs.places.contains(place)).map(|place| (*place).to_owned());
        let service = || {
            let of_tool = |name: &&String| tool.services.iter().any(|service| is_service(name, service));
            inputs.services.iter().find(of_tool).map(|_| "its service is set up".to_owned())
        };
        let installed = place.or_else(service);
        let counts = |name: &&&str| installed.is_some() || !COMMON.contains(name);
        let names: Vec<&str> = tool.waits.iter().filter(counts).copied().collect();
        let connected = inputs.programs.first(tool.connected);
        let incoming = incoming.iter().find(|connection| {
            // An owner that may not be seen is taken for the one the port is known for.
            tool.ports.contains(&connection.port) && connection.program.as_deref().is_none_or(|name| tool.is(name))
                || connection.program.as_deref().is_some_and(|name| tool.is(name))
        });
        let connected = connected
            .map(|name| format!("process {name}"))
            .or_else(|| incoming.map(|connection| format!("/proc/net/tcp: port {} is in use", connection.port)));
        let runs = inputs.programs.first(&names).map(|name| format!("process {name}")).or_else(|| connected.clone());
        (installed.is_some() || runs.is_some()).then_some(Self { tool, installed, runs, connected })
    }

    fn row(&self) -> Vec<Value> {
        let (state, seen) = match (&self.connected, &self.runs, &self.installed) {
            (Some(seen), ..) => ("connected", seen),
            (None, Some(seen), _) => ("running", seen),
            (None, None, Some(seen)) => ("installed", seen),
            (None, None, None) => ("", &self.tool.name.to_owned()),
        };
        vec![self.tool.name.into(), self.tool.lets.word().into(), state.into(), seen.clone().into()]
    }
}

impl RemoteTool {
    /// Whether a program of that name, as the system keeps it, is this tool's.
    fn is(&self, program: &str) -> bool {
        self.waits.iter().chain(self.connected).any(|name| name.get(..15).unwrap_or(name) == program)
    }
}

impl Lets {
    fn word(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Manage => "manage",
            Self::In => "way in",
        }
    }
}

/// `name.service`, an instance of `name@`, or a name that the maker adds to (`connectwisecontrol-0123abc`).
fn is_service(file: &str, service: &str) -> bool {
    let Some(rest) = file.strip_suffix(".service").and_then(|name| name.strip_prefix(service)) else { return false };
    rest.is_empty() || service.ends_with('@') || rest.starts_with('-')
}

fn say_connected(draft: &mut Draft, found: &[State]) {
    let connected = found.iter().filter_map(|state| Some((state.tool, state.connected.as_ref()?)));
    for (tool, evidence) in connected.take(FINDINGS) {
        draft.finding(Severity::Critical, "connected-now", &[("name", tool.name.into())], evidence.clone());
    }
}

fn say_running(draft: &mut Draft, found: &[State], lets: Lets, finding: &str) {
    let waiting = found.iter().filter(|state| state.tool.lets == lets && state.connected.is_none());
    for (tool, evidence) in waiting.filter_map(|state| Some((state.tool, state.runs.as_ref()?))).take(FINDINGS) {
        draft.finding(Severity::Warning, finding, &[("name", tool.name.into())], evidence.clone());
    }
}

/// Who is connected to a known tool's port or program.
fn connections(incoming: Vec<Incoming>) -> Vec<Vec<Value>> {
    let of = |port: u16, program: Option<&str>| {
        let named = program.and_then(|name| ALL.iter().find(|tool| tool.is(name)));
        named.or_else(|| ALL.iter().find(|tool| program.is_none() && tool.ports.contains(&port)))
    };
    let row = |connection: Incoming| -> Option<Vec<Value>> {
        let tool = of(connection.port, connection.program.as_deref())?;
        Some(vec![tool.name.into(), u32::from(connection.port).into(), connection.from.to_string().into()])
    };
    incoming.into_iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, item, recorded, told};
    use crate::checks::security::socket;

    fn running(names: &[&str]) -> Inputs {
        Inputs {
            programs: Programs::named(names),
            services: Vec::new(),
            places: Vec::new(),
            sockets: socket::recorded::lines(&[]),
        }
    }

    #[test]
    fn every_place_is_declared() {
        let needs = &item(RemoteAccess::ID).needs;
        for place in ALL.iter().flat_map(|tool| tool.places).chain(&SERVICES) {
            let below =
                |read: &String| place == read || place.strip_prefix(read.as_str()).is_some_and(|r| r.starts_with('/'));
            assert!(needs.reads.iter().any(below), "{place}");
        }
    }

    #[test]
    fn each_tool_is_found_by_its_process_and_only_told_when_it_runs() {
        for tool in ALL {
            let installed = tool.places.to_vec();
            let inputs = Inputs { places: installed, ..running(&[tool.waits[0].get(..15).unwrap_or(tool.waits[0])]) };
            let found = findings::<RemoteAccess>(inputs);
            assert_eq!(found.len(), 1, "{}: {found:?}", tool.name);
            assert!(found[0].ends_with("-running"), "{}", tool.name);
        }
        assert_eq!(findings::<RemoteAccess>(running(&["level", "bash"])), ["nothing-found"]);
        let installed = Inputs { places: vec!["/opt/anydesk"], ..running(&["bash"]) };
        assert_eq!(findings::<RemoteAccess>(installed), ["installed-only"]);
        let service = Inputs { services: vec!["connectwisecontrol-12ab.service".into()], ..running(&["bash"]) };
        assert_eq!(findings::<RemoteAccess>(service), ["installed-only"]);
    }

    #[test]
    fn a_desktop_where_somebody_is() {
        let inputs = gather_from(&recorded("desktop-invaded"));
        let draft = RemoteAccess::judge(inputs);
        let told = told(RemoteAccess::ID, &draft);
        let found: Vec<&str> = told.findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(
            found,
            ["connected-now", "connected-now", "control-running", "manage-running", "way-in-running"],
            "{:?}",
            told.findings
        );
        let critical: Vec<&str> = told.findings.iter().take(2).map(|finding| finding.text.en.as_str()).collect();
        assert!(critical[0].contains("SSH") && critical[1].contains("TeamViewer"));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_session_counts_for_the_program_that_has_it() {
        let open = ("00000000", 4000, "00000000", "0A");
        let used = ("0201A8C0", 4000, "0901A8C0", "01");
        let by_server = Inputs { sockets: socket::recorded::lines(&[open, used]), ..running(&[]) };
        assert_eq!(findings::<RemoteAccess>(by_server), ["nothing-found"]);
        let mut sockets = socket::recorded::lines(&[open, used]);
        sockets.owners.clear();
        assert_eq!(findings::<RemoteAccess>(Inputs { sockets, ..running(&[]) }), ["connected-now"]);
        let mut sockets =
            socket::recorded::lines(&[("00000000", 2222, "00000000", "0A"), ("0201A8C0", 2222, "0901A8C0", "01")]);
        sockets.owners = [(77, "sshd".to_owned())].into();
        assert_eq!(findings::<RemoteAccess>(Inputs { sockets, ..running(&[]) }), ["connected-now"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<RemoteAccess>(vec![
            gather_from(&recorded("desktop-invaded")),
            running(&["bash"]),
            Inputs { places: vec!["/opt/anydesk"], ..running(&["bash"]) },
            Inputs {
                programs: Programs::default(),
                sockets: Sockets { tables: vec![Err(Unread::Denied)], owners: [].into() },
                ..running(&[])
            },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(
            names in any::<Vec<String>>(),
            services in "(.*\\.service\n)*",
            text in "( 0: 0201A8C0:[0-9A-F]{0,5} 0[0-9]01A8C0:0 (0A|01)( [0-9]*){0,9}\n)*|.*",
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let services = services.lines().map(str::to_owned).collect();
            let sockets = socket::recorded::any(&text);
            told(RemoteAccess::ID, &RemoteAccess::judge(Inputs { services, sockets, ..running(&names) }));
        }
    }
}
