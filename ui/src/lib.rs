//! What people see: sentences in Spanish and English, the terminal's output, the shared command line, the receipt, and the frame and guard of
//! local pages.
//!
//! Nothing here decides anything: rules live in `proto`, questions and answers in the agent. What is here makes sure
//! that text from somebody else can't repaint a screen (SECURITY D4), that scripts and people each get what they
//! need from one program (COMMANDS.md), and that both languages say the same.

pub mod cli;
pub mod ending;
pub mod failure;
pub mod folder;
pub mod logs;
#[cfg(feature = "page")]
pub mod page;
pub mod reasons;
pub mod receipt;
pub mod report;
pub mod story;
pub mod terminal;
pub mod units;
pub mod words;
