//! What `cargo try` does, step by step, and what it says.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};
use venia_proto::address::RelayAddress;
use venia_proto::ledger::body::Language;
use venia_proto::report::{Finding, Severity};
use venia_relay::client::home::Home;
use venia_ui::failure::{Exit, Failure, Loss, Trouble};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use super::pages;
use super::processes::{Running, finish, role, wait_for};
use super::{CODE_FILE, Cli, code, is_empty};

/// Level of the technician who visits.
const LEVEL: u8 = 3;

/// Runs a first session and says what came of it.
pub(super) fn run(cli: &Cli) -> ExitCode {
    venia_ui::logs::logs(venia_ui::cli::Program::Console);
    let screen = cli.common.screen();
    match if cli.pages { pages::show(cli, &screen) } else { guide(cli, &screen) } {
        Ok(intact) => code(intact),
        Err(failure) => screen.fail(&failure),
    }
}

/// Where everything lies: a new folder, kept if it was asked for.
pub(super) enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    pub(super) fn of(cli: &Cli, words: &Words) -> Result<Self, Failure> {
        let broken = |doing: &'static str| move |error: io::Error| step_failed(doing, &error.to_string(), words);
        match &cli.keep {
            Some(folder) if !is_empty(folder) => Err(not_empty(folder, words)),
            Some(folder) => std::path::absolute(folder).map(Self::Kept).map_err(broken("keep")),
            None => tempfile::tempdir().map(Self::Temporary).map_err(broken("folder")),
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(folder) => folder,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// What the technician's program said.
#[derive(Default)]
struct Heard {
    session: String,
    reports: u64,
    refused: u64,
    closed: bool,
    findings: Vec<Finding>,
    error: Option<String>,
    paired_ms: Option<u64>,
    first_result_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Checked {
    verdict: String,
    entries: u64,
}

fn guide(cli: &Cli, screen: &Screen) -> Result<bool, Failure> {
    let language = cli.common.language();
    let words = screen.words();
    let somebody_answers = cli.yes || (io::stdin().is_terminal() && io::stdout().is_terminal());
    if !somebody_answers {
        let hint = words.say("try-no-terminal-hint", &[]);
        return Err(Failure::of(Trouble::NoTerminal, words).with_hint(hint));
    }
    let broken = |doing: &'static str| move |error: io::Error| step_failed(doing, &error.to_string(), words);
    let folder = Folder::of(cli, words)?;
    let folder = folder.path();
    let started = Instant::now();
    let Stage { mut relay, address, agent_data, console_data } = prepare(cli, screen, folder)?;

    step(screen, if cli.yes { "try-person-scripted" } else { "try-person" });
    let mut agent = start_agent(cli, folder, &agent_data, &address).map_err(broken("agent"))?;
    let code = wait_for(&folder.join("code"), &mut || agent.ended());
    let Some(code) = code else { return Err(step_failed("agent", "no code", words)) };

    let mut console = start_console(&console_data, language, words).map_err(broken("console"))?;
    let heard = listen(&mut console, &code, cli, screen).map_err(broken("console"))?;
    console.wait().map_err(broken("console"))?;
    agent.wait().map_err(broken("agent"))?;
    if let Some(error) = &heard.error {
        return Err(step_failed("console", error, words));
    }
    let total_ms = milliseconds(started);

    let kept = agent_data.join(format!("session-{}.zip", heard.session));
    let bundle = if cli.keep.is_some() { kept } else { keep_under_target(&kept).map_err(broken("bundle"))? };
    let root = address.root.to_string();
    let arguments = ["verify", &bundle.to_string_lossy(), "--root", &root, "--json"].map(str::to_owned);
    let verified = finish(role("console", &console_data, language, arguments).map_err(broken("verify"))?, "");
    let verified: Checked = serde_json::from_slice(&verified.map_err(broken("verify"))?.stdout)
        .map_err(|error| step_failed("verify", &error.to_string(), words))?;
    relay.stop();

    if cli.common.json {
        screen.object(&json!({
            "session": heard.session,
            "bundle": std::path::absolute(&bundle).map_err(broken("bundle"))?,
            "root": root,
            "verdict": verified.verdict,
            "checks": heard.reports,
            "refused": heard.refused,
            "milliseconds": {
                "pair": heard.paired_ms,
                "consent_to_first_result": heard.first_result_ms,
                "total": total_ms,
            },
        }))?;
    } else {
        tell(screen, &heard, &verified, &bundle, &root, total_ms)?;
    }
    Ok(verified.verdict == "intact" && heard.closed)
}

/// What a session needs besides its two people.
pub(super) struct Stage {
    pub(super) relay: Running,
    pub(super) address: RelayAddress,
    pub(super) agent_data: PathBuf,
    pub(super) console_data: PathBuf,
}

/// A relay that runs, a technician who is enrolled, and a PC that knows the service.
pub(super) fn prepare(cli: &Cli, screen: &Screen, folder: &Path) -> Result<Stage, Failure> {
    let language = cli.common.language();
    let words = screen.words();
    let broken = |doing: &'static str| move |error: io::Error| step_failed(doing, &error.to_string(), words);
    let (relay_data, agent_data, console_data) = (folder.join("relay"), folder.join("agent"), folder.join("console"));
    step(screen, "try-relay");
    let serve = role("relay", &relay_data, language, ["serve", "--listen", "127.0.0.1:0"]).map_err(broken("relay"))?;
    let mut relay = Running::start(serve).map_err(broken("relay"))?;
    let mut address = None;
    while let Some(line) = relay.line().map_err(broken("relay"))? {
        if let Some(text) = line.strip_prefix("address: ") {
            address = text.parse::<RelayAddress>().ok();
        }
        if line == "ready" {
            break;
        }
    }
    let address = address.ok_or_else(|| step_failed("relay", "no address", words))?;

    step(screen, "try-technician");
    let level = LEVEL.to_string();
    let invite = ["invite", "--role", "technician", "--name", "Ana", "--level", &level, "--json"];
    let invited = finish(role("relay", &relay_data, language, invite).map_err(broken("invite"))?, "")
        .map_err(broken("invite"))?;
    let word = serde_json::from_slice::<Value>(&invited.stdout).ok();
    let word = word.as_ref().and_then(|invited| invited["invite"].as_str());
    let word = word.ok_or_else(|| step_failed("invite", "no invite", words))?;
    let enrolled = finish(role("console", &console_data, language, ["enroll", "-"]).map_err(broken("enroll"))?, word);
    if !enrolled.map_err(broken("enroll"))?.status.success() {
        return Err(step_failed("enroll", "refused", words));
    }
    // As an installer would: this PC knows the help service from the start (SECURITY A2).
    Home::open(&agent_data, false)
        .and_then(|home| venia_agent::known::remember_root(&home, &address.root))
        .map_err(|error| step_failed("agent", &error.to_string(), words))?;
    Ok(Stage { relay, address, agent_data, console_data })
}

fn start_agent(cli: &Cli, folder: &Path, data: &Path, address: &RelayAddress) -> io::Result<Running> {
    let language = cli.common.language();
    let about = match language {
        Language::En => "I want to see what Venia does.",
        Language::Es => "Quiero ver qué hace Venia.",
    };
    let name = if cli.yes { "agent-yes" } else { "agent" };
    // Who sits at the terminal is asked what is wrong, as anybody who needs help; the scripted person has said it.
    let address = address.to_string();
    let mut arguments = vec!["ask", "--relay", &address];
    if cli.yes {
        arguments.extend(["--about", about]);
    }
    let mut command = role(name, data, language, arguments)?;
    command.env(CODE_FILE, folder.join("code"));
    if cli.yes { Running::start(command) } else { Running::start_in_terminal(command) }
}

fn start_console(data: &Path, language: Language, words: &Words) -> io::Result<Running> {
    let mut arguments: Vec<String> = ["join", "-", "--json", "--goal", "before-repair"].map(str::to_owned).to_vec();
    arguments.extend(["--reason".to_owned(), words.say("try-reason", &[])]);
    arguments.extend(["--outcome".to_owned(), words.say("try-outcome", &[])]);
    arguments.extend(["--next".to_owned(), words.say("try-next", &[])]);
    let mut command = role("console", data, language, arguments)?;
    command.stdin(std::process::Stdio::piped());
    Running::start(command)
}

/// Follows the technician's program to its end.
fn listen(console: &mut Running, code: &str, cli: &Cli, screen: &Screen) -> io::Result<Heard> {
    let mut heard = Heard::default();
    let typed = Instant::now();
    let mut allowed = None;
    console.say(code)?;
    while let Some(line) = console.line()? {
        let Ok(said) = serde_json::from_str::<Value>(&line) else { continue };
        match said["event"].as_str().unwrap_or_default() {
            "paired" => {
                heard.session = said["session"].as_str().unwrap_or_default().to_owned();
                heard.paired_ms = Some(milliseconds(typed));
            }
            "consent" if said["answer"] == "yes" => allowed = Some(Instant::now()),
            "result" => {
                heard.reports += u64::from(said["report"].is_object());
                if let (None, Some(allowed)) = (heard.first_result_ms, allowed) {
                    heard.first_result_ms = Some(milliseconds(allowed));
                }
                let findings = serde_json::from_value::<Vec<Finding>>(said["report"]["findings"].clone());
                heard.findings.extend(findings.unwrap_or_default());
                if cli.yes && !cli.common.json {
                    let item = said["item"].as_str().unwrap_or_default().to_owned();
                    let status = said["status"].as_str().unwrap_or_default().to_owned();
                    screen.note(&screen.words().say("try-result", &[("item", &item), ("status", &status)]));
                }
            }
            "refused" => heard.refused += 1,
            "closed" => heard.closed = true,
            "error" => heard.error = Some(said["message"].as_str().unwrap_or_default().to_owned()),
            _ => {}
        }
    }
    heard.findings.sort_by_key(|finding| finding.severity);
    Ok(heard)
}

/// The technician's page in a few lines, and the proof.
fn tell(
    screen: &Screen,
    heard: &Heard,
    verified: &Checked,
    bundle: &Path,
    root: &str,
    total_ms: u64,
) -> Result<(), Failure> {
    let words = screen.words();
    screen.line("")?;
    screen.line(&words.say("try-findings", &[("checks", &heard.reports)]))?;
    for finding in heard.findings.iter().filter(|finding| finding.severity != Severity::Ok) {
        let severity = venia_ui::report::severity(finding.severity, words, screen.style());
        let text = words.of(&finding.text).to_owned();
        screen.line(&format!("  {severity}  {text}"))?;
    }
    let fine = heard.findings.iter().filter(|finding| finding.severity == Severity::Ok).count();
    screen.line(&words.say("try-fine", &[("count", &fine)]))?;
    screen.line("")?;
    let path = bundle.to_string_lossy().into_owned();
    let seconds = total_ms / 1_000;
    screen.line(&words.say("try-verdict", &[("verdict", &verified.verdict), ("entries", &verified.entries)]))?;
    screen.line(&words.say("try-bundle", &[("path", &path)]))?;
    screen.line(&words.say("try-check", &[("path", &path), ("root", &root.to_owned())]))?;
    screen.line(&words.say("try-took", &[("seconds", &seconds)]))
}

/// The bundle outlives the folder: it goes beside the build.
fn keep_under_target(bundle: &Path) -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    // target/debug/venia-try
    let target = program.ancestors().nth(2).unwrap_or(Path::new("target"));
    let folder = target.join("venia-try");
    std::fs::create_dir_all(&folder)?;
    let name = bundle.file_name().ok_or_else(|| io::Error::other("no bundle"))?;
    let kept = folder.join(name);
    std::fs::copy(bundle, &kept)?;
    Ok(kept)
}

pub(super) fn step(screen: &Screen, id: &str) {
    if !screen.json() {
        screen.note(&screen.words().say(id, &[]));
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn not_empty(folder: &Path, words: &Words) -> Failure {
    let path = folder.to_string_lossy().into_owned();
    Failure {
        exit: Exit::WrongUse,
        message: words.say("try-not-empty", &[("path", &path)]),
        ..Failure::of(Trouble::Usage, words).with_hint(words.say("try-not-empty-hint", &[]))
    }
}

pub(super) fn step_failed(doing: &'static str, problem: &str, words: &Words) -> Failure {
    Failure {
        exit: Exit::Refused,
        kind: "try",
        message: words.say("try-failed", &[("step", &doing), ("problem", &problem.to_owned())]),
        state: Loss::Nothing.say(words),
        hint: words.say("try-failed-hint", &[]),
    }
}
