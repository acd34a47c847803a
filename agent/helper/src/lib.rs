//! The few repairs that need the administrator. (SECURITY G6)
//!
//! `venia-helper` is started by the agent, from a permit and through `pkexec`, which asks for the administrator's password
//! each time. It reads one [`Request`] from standard input: a verb that is compiled in, with arguments of finite types (no
//! path, no command, no host), and the plan the person was shown. It looks itself, refuses if what it finds isn't that
//! plan, performs, looks again, and writes one [`Outcome`].
//!
//! Standard input stays open for as long as somebody is there. Its end means that agent, session or client is gone: what
//! can be stopped is stopped, and what waits to be confirmed is rolled back.
//!
//! It trusts nobody: no argument, no variable of its environment, no program but those at fixed places with fixed
//! arguments, and a table of allowed verbs only if nobody but the administrator can write it. It has no network code. The
//! looks are a library, so that the previews of an ordinary account find the same plan in the same way.

mod caller;
mod machine;
mod program;
mod request;
mod rollback;
mod run;
mod table;
pub mod verbs;

pub use caller::{Caller, Stdin, Word};
pub use program::{Answer, Patience, Programs, Real};
pub use request::{Keep, Outcome, REQUEST_MAX, Request, RequestError, Row, Said, Service, State, Verb};
pub use rollback::{Decision, Rollback};
pub use run::{Helper, run};
pub use table::{TABLE, TableError, Verbs};
