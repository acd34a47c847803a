//! The rules of a session, as pure state machines.
//!
//! * [`agent`]: the authority, on the person's PC. It alone decides what runs and what leaves.
//! * [`console`]: follows. It keeps the technician's view of what the agent decided, and decides nothing.
//! * [`waiting`]: the time before a session, while a code is shown.
//! * [`sight`]: on a page, whether anybody looks and when a press may give something away.
//! * [`recovery`]: what the record still needs after a crash.
//! * [`last_words`]: what may be recorded on a full disk.
//! * [`timer`]: every deadline, in one table.
//! * [`gate`]: what must be recorded before what.
//!
//! All have the same shape: `handle(now, input)`, then `poll_output()` until it is empty, then `deadline()`. They are
//! total: every input in every state means something, so a shell has no error to swallow.

pub mod agent;
pub mod close;
pub mod console;
pub mod gate;
pub mod last_words;
pub mod recovery;
pub mod sight;
pub mod timer;
pub mod waiting;
