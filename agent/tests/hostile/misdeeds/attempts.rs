//! What a check that was taken over tries: each attempt is named, and tells how it went.
//!
//! The wanted ones are an argument, `what`, separated by spaces; the others say where things are.

use std::fmt::Display;
use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::ptrace;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, Signal, kill_process, pidfd_getfd, pidfd_open, setpgid,
    setrlimit, setsid,
};
use venia_proto::ledger::body::Arguments;
use venia_proto::report::Draft;

/// Makes the wanted attempts and says of each `ok` or why not.
pub fn make(arguments: &Arguments, draft: &mut Draft) {
    for what in arguments["what"].split(' ') {
        draft.fact(what, attempt(what, arguments).err().unwrap_or_else(|| "ok".to_owned()), "");
    }
}

fn attempt(what: &str, arguments: &Arguments) -> Result<(), String> {
    let at = |name: &str| arguments[name].as_str();
    let agent = arguments["agent"].parse().ok().and_then(Pid::from_raw).unwrap();
    let of_agent = |file: &str| format!("/proc/{}/{file}", agent.as_raw_pid());
    match what {
        "read" => fs::read(at("path")).map(drop).map_err(said),
        "list" => fs::read_dir(Path::new(at("path")).parent().unwrap()).map(drop).map_err(said),
        "write" => fs::write(at("path"), "x").map_err(said),
        "chmod" => fs::set_permissions(at("path"), fs::Permissions::from_mode(0o777)).map_err(said),
        "remove" => fs::remove_file(at("path")).map_err(said),
        "read-host-name" => fs::read("/etc/hostname").map(drop).map_err(said),
        "agent-memory" => fs::File::open(of_agent("mem")).map(drop).map_err(said),
        "agent-environment" => fs::read(of_agent("environ")).map(drop).map_err(said),
        "agent-program" => fs::read_link(of_agent("exe")).map(drop).map_err(said),
        "agent-files" => fs::read_dir(of_agent("fd")).map(drop).map_err(said),
        // Nobody minds this one, whoever gets it.
        "signal-agent" => kill_process(agent, Signal::WINCH).map_err(said),
        "unix" => family(AddressFamily::UNIX, SocketType::STREAM),
        "inet" => family(AddressFamily::INET, SocketType::DGRAM),
        "inet6" => family(AddressFamily::INET6, SocketType::STREAM),
        "inet-raw" => family(AddressFamily::INET, SocketType::RAW),
        "netlink" => family(AddressFamily::NETLINK, SocketType::RAW),
        "packet" => family(AddressFamily::PACKET, SocketType::RAW),
        "bluetooth" => family(AddressFamily::BLUETOOTH, SocketType::RAW),
        "vsock" => family(AddressFamily::VSOCK, SocketType::STREAM),
        "bus" => UnixStream::connect(at("bus")).map(drop).map_err(said),
        "send" => {
            UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", at("to"))).map(drop).map_err(said)
        }
        "connect" => TcpStream::connect(at("to")).map(drop).map_err(said),
        "listen" => TcpListener::bind("127.0.0.1:0").map(drop).map_err(said),
        "run-declared" => Command::new("/bin/true").status().map(drop).map_err(said),
        "run-undeclared" => Command::new("/usr/bin/env").status().map(drop).map_err(said),
        "new-session" => setsid().map(drop).map_err(said),
        "new-group" => setpgid(None, None).map_err(said),
        "more-memory" => setrlimit(Resource::As, Rlimit { current: Some(1 << 40), maximum: None }).map_err(said),
        "memory-file" => memfd_create("x", MemfdFlags::empty()).map(drop).map_err(said),
        "thread" => std::thread::Builder::new().spawn(|| ()).map(drop).map_err(said),
        other => panic!("no attempt is called {other}"),
    }
}

/// Makes the wanted attempt, which must not return.
pub fn deadly(arguments: &Arguments) {
    let agent = arguments["agent"].parse().ok().and_then(Pid::from_raw).unwrap();
    let their = nix::unistd::Pid::from_raw(Pid::as_raw_pid(agent));
    let said = match arguments["what"].as_str() {
        "trace" => ptrace::attach(their).map_err(said),
        "read-memory" => {
            let remote = [RemoteIoVec { base: 4_096, len: 1 }];
            process_vm_readv(their, &mut [std::io::IoSliceMut::new(&mut [0])], &remote).map(drop).map_err(said)
        }
        "take-descriptor" => pidfd_open(agent, PidfdFlags::empty())
            .and_then(|agent| pidfd_getfd(agent, 1, PidfdGetfdFlags::empty()))
            .map(drop)
            .map_err(said),
        "name-space" => unshare(CloneFlags::CLONE_NEWUSER).map_err(said),
        "mount" => mount(None::<&str>, "/", None::<&str>, MsFlags::MS_PRIVATE, None::<&str>).map_err(said),
        "become" => Err(said(Command::new("/bin/true").exec())),
        "socket" => family(AddressFamily::UNIX, SocketType::STREAM),
        "memory-file" => memfd_create("x", MemfdFlags::empty()).map(drop).map_err(said),
        other => panic!("no attempt is called {other}"),
    };
    panic!("it lives, and heard {said:?}");
}

fn family(family: AddressFamily, kind: SocketType) -> Result<(), String> {
    socket(family, kind, None).map(drop).map_err(said)
}

fn said(error: impl Display) -> String {
    error.to_string()
}
