//! Logs and crashes: what developers read, on stderr, without a secret in it. (SECURITY H3)
//!
//! The level comes from `VENIA_LOG` (`warn` unless set, `tracing` directives). In release builds the network libraries
//! never say more than `info`, whatever is asked: their `debug` and `trace` levels print packets and key exchange.

use std::io;
use std::panic;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::Program;
use crate::words::Words;

/// The variable that sets the level.
const VARIABLE: &str = "VENIA_LOG";

/// Starts logging to stderr. Call once; a second call changes nothing.
pub fn logs(program: Program) {
    let asked = std::env::var(VARIABLE).unwrap_or_default();
    let filter = EnvFilter::try_new(if asked.is_empty() { "warn" } else { &asked })
        // A directive that can't be read must not end a session.
        .unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        // The crate is built without colours, and its debug build panics where they are asked for.
        .with_ansi(false)
        .with_filter(filter)
        .with_filter(filter_fn(|metadata| cfg!(debug_assertions) || is_fit(metadata)));
    if tracing_subscriber::registry().with(lines).try_init().is_ok() {
        tracing::debug!(program = program.name(), "logging");
    }
}

/// From here on a panic says only *where*. Its message may hold what a person typed or a machine answered, so it is
/// never printed.
pub fn panics_say_place_only(words: Words) {
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        let lines = format!(
            "{}\n{}\n",
            words.say("trouble-inside", &[("place", &place)]),
            words.say("trouble-inside-hint", &[])
        );
        let _ = io::Write::write_all(&mut io::stderr().lock(), lines.as_bytes());
    }));
}

/// Whether a line may be written by a release build.
fn is_fit(metadata: &Metadata<'_>) -> bool {
    may_speak(metadata.target(), *metadata.level())
}

fn may_speak(target: &str, level: Level) -> bool {
    let network = ["quinn", "rustls"].iter().any(|name| {
        // `quinn`, `quinn_proto`, `quinn::endpoint` …, but not `quinnipiac`.
        target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', ':', '-']))
    });
    !network || level <= Level::INFO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h3_network_libraries_stay_at_info() {
        for target in ["quinn", "quinn::endpoint", "quinn_proto::connection", "rustls::client", "rustls"] {
            assert!(may_speak(target, Level::WARN) && may_speak(target, Level::INFO), "{target}");
            assert!(!may_speak(target, Level::DEBUG) && !may_speak(target, Level::TRACE), "{target}");
        }
        assert!(may_speak("venia_agent::driver", Level::TRACE) && may_speak("quinnipiac", Level::TRACE));
    }
}
