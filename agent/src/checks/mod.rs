//! The diagnostics: one file per catalogue item, in five folders.
//!
//! A check is two steps. [`Check::gather`] touches the computer and brings back raw texts and numbers; `judge` is
//! pure: it parses them and says what they mean. A fence can close between the two, so that whatever parses foreign
//! text has no way out any more (SECURITY G1). What `judge` returns is a [`Draft`] of declared ids and values:
//! the sentences come from the catalogue, and what isn't declared there is dropped (SECURITY G4).
//!
//! This is *not* where it is decided that a check may run (that takes a permit) nor the process it runs in (that is the
//! worker). Nothing here writes but the repairs, and no argument ever becomes a path, a command or a host.

use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use venia_proto::ledger::body::{Arguments, ItemId};
use venia_proto::report::Draft;

mod hardware;
mod network;
mod repairs;
mod security;
mod system;
mod tasks;

mod described;
mod figure;
pub(crate) mod machine;
mod mount;
mod pressure;
mod sockets;
mod tool;

pub use machine::pretend;
pub(crate) use network::relay::{Figures, Pace};
pub(crate) use repairs::by_administrator;

/// One diagnostic.
pub trait Check: 'static {
    /// Its id in the catalogue.
    const ID: &'static str;
    /// What it brought back: raw texts and numbers.
    type Inputs: Send + 'static;

    /// Looks at the computer. What is missing or forbidden is part of the inputs, not a failure: a PC that can't tell
    /// gets a finding that says so.
    fn gather(arguments: &Arguments) -> Result<Self::Inputs, Failure>;

    /// Says what the inputs mean. Pure and total: any text may be in them.
    fn judge(inputs: Self::Inputs) -> Draft;
}

/// The second step of a run, to be called once nothing needs the computer any more.
pub type Judge = Box<dyn FnOnce() -> Draft + Send>;

/// A check without its types, as the worker runs it.
pub trait Runner: Sync {
    /// The item it is the code of.
    fn id(&self) -> &'static str;

    /// Looks at the computer; see [`Check::gather`]. The arguments are those of
    /// [`venia_proto::catalog::Item::arguments`]: every parameter named, every value declared.
    fn gather(&self, arguments: &Arguments) -> Result<Judge, Failure>;
}

/// Why a check could not look at all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The caller didn't check the arguments against the definition.
    #[error("parameter {0:?} is missing or not one of its declared values")]
    Argument(&'static str),
    /// Not a worker's work: the small program with the administrator's rights does it.
    #[error("this is done with the administrator's rights")]
    Administrator,
    /// The system refused what any program may have: a thread, a descriptor.
    #[error("this computer is too busy to look")]
    Exhausted(#[source] io::Error),
}

/// The code of that item.
pub fn find(id: &ItemId) -> Option<&'static dyn Runner> {
    all().find(|runner| runner.id() == id.0)
}

/// The first step of an item that a pack describes, as it is written there; none if that text isn't one.
pub fn find_described(written: &str) -> Option<impl FnOnce(&Arguments) -> Result<Judge, Failure> + use<>> {
    described::described(written)
}

/// Whom a program of the table talks to.
#[cfg(test)]
pub(crate) fn program(name: &str) -> Option<&'static [venia_proto::catalog::Talk]> {
    tool::named(name).map(|tool| tool.talks)
}

/// From now on this process asks only the programs that its item declares. (SECURITY G1)
pub fn declare(tools: &[String]) {
    tool::declare(tools);
}

/// Where a declared program is, with those it starts itself, and what they read: what a fence must let through.
pub fn reach(tool: &str) -> Option<(Vec<PathBuf>, Vec<PathBuf>)> {
    tool::reach(tool)
}

/// Where a file of this computer is; elsewhere only on a recorded one.
pub fn place(path: &Path) -> PathBuf {
    path.to_str().map_or_else(|| path.to_owned(), |path| machine::Machine::this().path(path))
}

/// Every check of this build.
fn all() -> impl Iterator<Item = &'static dyn Runner> {
    [hardware::ALL, network::ALL, repairs::ALL, security::ALL, system::ALL, tasks::ALL].into_iter().flatten().copied()
}

/// Makes a check an object.
struct Of<C>(PhantomData<fn() -> C>);

impl<C: Check> Runner for Of<C> {
    fn id(&self) -> &'static str {
        C::ID
    }

    fn gather(&self, arguments: &Arguments) -> Result<Judge, Failure> {
        let inputs = C::gather(arguments)?;
        Ok(Box::new(move || C::judge(inputs)))
    }
}

/// A whole number among the arguments.
fn whole(arguments: &Arguments, name: &'static str) -> Result<u64, Failure> {
    arguments.get(name).and_then(|value| value.parse().ok()).ok_or(Failure::Argument(name))
}

#[cfg(test)]
pub(crate) mod proof;
#[cfg(test)]
mod tests;
