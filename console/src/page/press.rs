//! What a press of a button brings, why it may do nothing, and what is to be done for it.

use venia_proto::catalog::{ArgumentError, Goal};
use venia_proto::code::{Code, CodeError};
use venia_proto::foreign::{Foreign, ForeignError};
use venia_proto::ledger::body::ItemId;
use venia_proto::scope::Scope;
use venia_ui::page::Fields;
use venia_ui::words::Words;

use crate::driver::Typed;

/// What was typed into a form that couldn't be taken, so that nobody types it again. A code stays only as long as it wasn't
/// sent anywhere; no `Debug`, so that it never reaches a log. (SECURITY B1)
#[derive(Clone, Default)]
pub(super) struct Draft {
    pub(super) code: String,
    pub(super) reason: String,
    pub(super) goal: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) outcome: String,
    pub(super) next: String,
}

/// Why a press did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The page is another one now.
    Changed,
    /// That is no code.
    Code(CodeError),
    /// That is no reason.
    Reason(ForeignError),
    /// That can't be sent.
    Text(ForeignError),
    /// There is no outcome.
    Outcome(ForeignError),
    /// There is no next step.
    Next(ForeignError),
    /// The item doesn't take these values.
    Arguments(ItemId, ArgumentError),
    /// The item takes a higher level.
    Level(ItemId),
    /// Too much at once.
    Busy,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Act {
    /// Begin a session.
    Begin(Box<Wish>),
    /// Do this in it.
    Type(Typed),
    /// End the program.
    Leave,
}

/// What a session is begun with.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Tells this session from the next one.
    pub(crate) number: u64,
    /// Moved out when it is used, and gone with it. (SECURITY B1)
    pub(crate) code: Code,
    pub(crate) reason: Foreign,
    pub(crate) goal: Option<Goal>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) words: Words,
}

/// A form, as far as it matters here.
pub(super) struct Press<'a> {
    pub(super) form: &'a Fields,
    /// Whether its token is for what it does, shown with this text.
    pub(super) is_for: &'a dyn Fn(&str) -> bool,
}
