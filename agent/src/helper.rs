//! The agent's end of the small root program that does what needs the administrator. (SECURITY G6)
//!
//! It is started from a permit, like a worker, and through `pkexec`, which asks for the administrator's password each time.
//! One request goes in; its standard input stays open for as long as the session wants the change, and closing it is STOP:
//! what can be stopped ends, and what waits to be confirmed is rolled back. What waits is confirmed only after the
//! technician's program was heard again over the changed network.
//!
//! Not here: what may be asked for (a permit) and what it does (`venia_helper`). It isn't killed: what must not be left half
//! done would be. Nothing installed, nobody to ask for the password, or a no: the finding says so plainly.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use venia_helper::{Outcome as Answer, Request, Said, Verb};
use venia_proto::catalog::{Catalog, Performer};
use venia_proto::consent::Permit;
use venia_proto::ledger::body::ItemId;

use crate::checks::by_administrator::{answered, verb};
use crate::worker::{KilledBy, Outcome};

/// Asks for the password; part of polkit.
const PKEXEC: &str = "/usr/bin/pkexec";
/// Where the root program is installed; its polkit action names the same place.
const HELPER: &str = "/usr/libexec/venia-helper";
/// Longest answer, in bytes, all lines together.
const ANSWER_MAX: u64 = 64 * 1024;
/// Longest that the administrator may take over the password. An item's own deadline counts from when it was given.
const PASSWORD_MAX: Duration = Duration::from_secs(120);
/// Kept from the time to confirm: a word that comes too late counts for nothing.
const MARGIN: Duration = Duration::from_secs(2);
/// Exit code of pkexec(1): the dialog was dismissed.
const DISMISSED: i32 = 126;
/// Exit code of pkexec(1): not allowed, or nobody could be asked.
const REFUSED: i32 = 127;

/// How the root program is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Files without which there is no use in trying, and what each is called.
    pub needs: Vec<(PathBuf, &'static str)>,
}

/// What one permit lets it do.
#[derive(Debug)]
pub(crate) struct Errand {
    item: ItemId,
    request: Request,
    deadline: Duration,
    /// Longest wait for the administrator's password before it.
    patience: Duration,
}

impl Door {
    /// The shipped one.
    pub fn shipped() -> Self {
        Self {
            command: [PKEXEC, "--disable-internal-agent", HELPER].map(OsString::from).to_vec(),
            needs: vec![(PKEXEC.into(), "pkexec"), (HELPER.into(), "venia-helper")],
        }
    }
}

impl Errand {
    /// Spends a permit, if the root program is who performs it; else gives it back.
    pub(crate) fn of(catalog: &Catalog, permit: Permit) -> Result<Self, Permit> {
        let item = catalog.find(permit.item(), permit.definition());
        let theirs = item.filter(|item| item.change.as_ref().is_some_and(|c| c.by == Performer::Administrator));
        let verb: Option<Verb> = theirs.and_then(|item| verb(&item.id, permit.arguments()));
        match (theirs, verb, permit.plan()) {
            (Some(item), Some(verb), Some(plan)) => Ok(Self {
                item: item.id.clone(),
                request: Request { verb, plan: plan.to_owned() },
                deadline: Duration::from_millis(item.deadline_ms.into()),
                patience: PASSWORD_MAX,
            }),
            (_, _, _) => Err(permit),
        }
    }

    /// Runs the errand to its end, or until `stop` says or loses its word. `back` ends once the technician's program was
    /// heard again.
    pub(crate) async fn run<B: Future<Output = ()>>(
        self,
        door: &Door,
        mut stop: mpsc::UnboundedReceiver<()>,
        back: impl FnOnce() -> B,
    ) -> Outcome {
        let mut child = match start(door) {
            Ok(child) => child,
            Err(why) => return Outcome::Done(answered(&self.item, Err(why))),
        };
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Outcome::Done(answered(&self.item, Err("no pipe to venia-helper".to_owned())));
        };
        let (began, begun) = oneshot::channel();
        let late = async {
            if timeout(self.patience, begun).await.is_ok() {
                sleep(self.deadline).await;
            }
        };
        let ended = tokio::select! {
            biased;
            // Whatever ends this select drops standard input, and that is what the other end listens for.
            _ = stop.recv() => Err(KilledBy::Stop),
            () = late => Err(KilledBy::Deadline),
            answer = converse(stdin, stdout, &self.request, began, back) => Ok(answer),
        };
        match ended {
            Ok(Some(answer)) => {
                let _reaped = child.wait().await;
                Outcome::Done(answered(&self.item, Ok(answer)))
            }
            Ok(None) => Outcome::Done(answered(&self.item, Err(silence(&mut child).await))),
            Err(by) => {
                dismiss(&mut child);
                Outcome::Killed(by)
            }
        }
    }
}

fn start(door: &Door) -> Result<Child, String> {
    if let Some((_, name)) = door.needs.iter().find(|(path, _)| !path.is_file()) {
        return Err(format!("{name} is not installed"));
    }
    let (program, arguments) = door.command.split_first().ok_or("no program")?;
    Command::new(program)
        .args(arguments)
        .env_clear()
        .env("LANG", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // Ctrl-C at the person's terminal is for the agent, which stops it properly.
        .process_group(0)
        .spawn()
        .map_err(|_| "pkexec could not be started".to_owned())
}

/// The whole conversation; nothing if it ended without an answer.
async fn converse<B: Future<Output = ()>>(
    mut stdin: ChildStdin,
    stdout: ChildStdout,
    request: &Request,
    began: oneshot::Sender<()>,
    back: impl FnOnce() -> B,
) -> Option<Answer> {
    let mut line = serde_json::to_vec(request).ok()?;
    line.push(b'\n');
    // Who doesn't take it has ended, and says so by its code.
    stdin.write_all(&line).await.ok()?;
    let mut lines = BufReader::new(stdout.take(ANSWER_MAX)).lines();
    let (mut began, mut back) = (Some(began), Some(back));
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line).ok()? {
            Said::Began => {
                // Who listens is this errand's own clock, and gone only with it.
                let _heard = began.take().map(|began| began.send(()));
            }
            Said::Ended(answer) => return Some(answer),
            Said::Waiting { ms } => {
                let patience = Duration::from_millis(ms).saturating_sub(MARGIN);
                let Some(back) = back.take() else { continue };
                // Nobody heard: nothing is said, and it rolls back.
                if timeout(patience, back()).await.is_ok() {
                    stdin.write_all(b"keep\n").await.ok()?;
                }
            }
        }
    }
    None
}

/// Why there was no answer.
async fn silence(child: &mut Child) -> String {
    let code = child.wait().await.ok().and_then(|status| status.code());
    match code {
        Some(DISMISSED) => "the administrator's password was not given".to_owned(),
        Some(REFUSED) => "the system did not allow it, or could ask nobody for the password".to_owned(),
        Some(_) | None => "venia-helper gave no answer".to_owned(),
    }
}

/// Takes the password's dialog off the screen. As an ordinary account this can't reach what already runs as root, which ends
/// by itself or must not be ended.
fn dismiss(child: &mut Child) {
    if !rustix::process::getuid().is_root() {
        let _runs_as_root = child.start_kill();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Instant;

    use venia_proto::report::Draft;

    use super::*;
    use crate::checks::proof::told;

    const CACHE: &str = "system.clear-package-cache";

    /// A helper that is this script.
    fn door(script: &str) -> Door {
        Door { command: ["/bin/sh", "-c", script].map(OsString::from).to_vec(), needs: Vec::new() }
    }

    fn errand(deadline: Duration) -> Errand {
        let request = Request { verb: Verb::ClearPackageCache, plan: "apt-get, 1 packages".to_owned() };
        Errand { item: ItemId(CACHE.to_owned()), request, deadline, patience: LONG }
    }

    const LONG: Duration = Duration::from_secs(20);
    const DONE: &str =
        r#"{"ended":{"done":{"before":{"total":{"bytes":7},"rows":[]},"after":{"total":{"bytes":0},"rows":[]}}}}"#;
    const BACK: &str = r#"{"ended":{"rolled-back":{"before":{"total":{"bytes":7},"rows":[]},"why":"nobody"}}}"#;

    async fn ended(door: &Door) -> Draft {
        let (_stop, stopped) = mpsc::unbounded_channel();
        let outcome = errand(LONG).run(door, stopped, || ready(())).await;
        let Outcome::Done(draft) = outcome else { panic!("{outcome:?}") };
        draft
    }

    fn finding(draft: &Draft) -> (String, String) {
        let report = told(CACHE, draft);
        (report.findings[0].id.clone(), report.findings[0].evidence.clone())
    }

    #[tokio::test]
    async fn g6_an_answer_is_told_and_what_is_none_is_not_possible_here() {
        let flood = "head -c 100000 /dev/zero | tr '\\0' x";
        for (script, found, evidence) in [
            (format!("read request; echo '{DONE}'"), "done", "looked again afterwards"),
            ("exit 126".to_owned(), "not-possible", "the administrator's password was not given"),
            (
                "read request; exit 127".to_owned(),
                "not-possible",
                "the system did not allow it, or could ask nobody for the password",
            ),
            ("read request; echo garbage".to_owned(), "not-possible", "venia-helper gave no answer"),
            (format!("read request; {flood}; echo '{DONE}'"), "not-possible", "venia-helper gave no answer"),
            ("exit 0".to_owned(), "not-possible", "venia-helper gave no answer"),
        ] {
            let found = (found.to_owned(), evidence.to_owned());
            assert_eq!(finding(&ended(&door(&script)).await), found, "{script}");
        }
    }

    #[tokio::test]
    async fn g6_what_is_not_installed_is_named() {
        let mut none = door("exit 0");
        none.needs = vec![("/nowhere/venia-helper".into(), "venia-helper")];
        assert_eq!(finding(&ended(&none).await).1, "venia-helper is not installed");
    }

    #[tokio::test]
    async fn g6_it_gets_one_request_and_an_empty_environment() {
        let script = format!(
            r#"read request
            test "$request" = '{{"verb":"clear-package-cache","plan":"apt-get, 1 packages"}}' || exit 1
            test "$LANG$HOME$DISPLAY" = C.UTF-8 || exit 1
            echo '{DONE}'"#
        );
        assert_eq!(finding(&ended(&door(&script)).await).0, "done");
    }

    #[tokio::test]
    async fn r4_a_change_is_confirmed_only_after_the_technician_was_heard_again() {
        let script = |ms: u32| {
            format!(
                r#"read request; echo '{{"waiting":{{"ms":{ms}}}}}'
                if [ {ms} = 60000 ]; then read word; test "$word" = keep && echo '{DONE}' || exit 1
                else echo '{BACK}'; fi"#
            )
        };
        assert_eq!(finding(&ended(&door(&script(60_000))).await).0, "done");
        let (_stop, stopped) = mpsc::unbounded_channel();
        // Nobody is heard before its time is over: nothing is said.
        let outcome = errand(LONG).run(&door(&script(2_000)), stopped, pending::<()>).await;
        let Outcome::Done(draft) = outcome else { panic!("{outcome:?}") };
        assert_eq!(draft.findings[0].id, "rolled-back");
    }

    #[tokio::test]
    async fn g6_stop_and_the_deadline_close_its_standard_input() {
        for (deadline, by) in [(LONG, KilledBy::Stop), (Duration::from_millis(200), KilledBy::Deadline)] {
            let folder = tempfile::tempdir().unwrap();
            let (began, gone) = (folder.path().join("began"), folder.path().join("gone"));
            let script = format!(
                r#"read request; echo '"began"'; echo > {}; read word; echo > {}"#,
                began.display(),
                gone.display()
            );
            let (stop, stopped) = mpsc::unbounded_channel();
            let running =
                tokio::spawn(async move { errand(deadline).run(&door(&script), stopped, pending::<()>).await });
            while !began.exists() {
                tokio::task::yield_now().await;
            }
            if by == KilledBy::Stop {
                stop.send(()).unwrap();
            }
            assert_eq!(running.await.unwrap(), Outcome::Killed(by));
            if rustix::process::getuid().is_root() {
                while !gone.exists() {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    #[tokio::test]
    async fn g6_the_time_over_the_password_is_not_the_items() {
        let (began, (_stop, stopped)) = (Instant::now(), mpsc::unbounded_channel());
        let (deadline, patience) = (Duration::from_millis(1), Duration::from_millis(200));
        let outcome =
            Errand { patience, ..errand(deadline) }.run(&door("read request; read word"), stopped, pending::<()>).await;
        assert_eq!((outcome, began.elapsed() >= patience), (Outcome::Killed(KilledBy::Deadline), true));
    }
}
