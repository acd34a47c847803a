//! Both session machines in a world that goes wrong on purpose, replayable from a seed.
//!
//! * [`random`]: numbers from a seed.
//! * [`model`]: what consent means, in about fifty lines that share nothing with the machine.
//! * [`watch`]: looks at every input and output of an agent, with the model beside it.
//! * [`invariants`]: the rules of ARCHITECTURE section 3, each a function, checked by the watch after every event.
//! * [`looks`]: the same of what the person ticks, looks at and is shown.
//! * [`world`]: network, ledger, disk, person, workers and clock, all virtual; `VENIA_SIM_SEED` replays one run.
//! * [`items`]: a catalogue for the purpose.
//!
//! Not here: real QUIC, real processes (the end-to-end tests).

pub mod invariants;
pub mod items;
pub mod looks;
pub mod model;
pub mod random;
pub mod watch;
pub mod world;
