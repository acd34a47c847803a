//! Why a session ended, as the person reads it, in the terminal and on the receipt.

use venia_proto::foreign::Foreign;
use venia_proto::ledger::kind::Cause;

use crate::words::Words;

/// One sentence; `name` is the technician's.
pub fn ending(cause: Cause, name: &Foreign, words: &Words) -> String {
    match cause {
        Cause::Technician => words.say("close-technician", &[("name", name)]),
        Cause::Revoked => words.say("close-revoked", &[("name", name)]),
        Cause::Person => words.say("close-person", &[]),
        Cause::Done => words.say("close-done", &[]),
        Cause::Expiry => words.say("close-expiry", &[]),
        Cause::Silence => words.say("close-silence", &[]),
        Cause::NoEyes => words.say("close-no-eyes", &[]),
        Cause::Sleep => words.say("close-sleep", &[]),
        Cause::Lock => words.say("close-lock", &[]),
        Cause::RelayLost => words.say("close-relay-lost", &[]),
        Cause::RelayWithholds => words.say("close-relay-withholds", &[]),
        Cause::Misbehaviour => words.say("close-misbehaviour", &[]),
        Cause::Crash => words.say("close-crash", &[]),
        Cause::Disk => words.say("close-disk", &[]),
    }
}
