//! The filter that the kernel runs at every system call: a binary search over their numbers, then, of those whose arguments
//! decide, seccompiler's own program. (seccomp(2), classic BPF)
//!
//! seccompiler alone compares with one number after the other. The kernel tries every number there is when a filter goes up,
//! to know which calls it need never ask about again, and that alone was a good part of what starting a worker costs.
//!
//! Not here: which calls, and what arguments they may have ([`super::calls`]).

use std::collections::BTreeMap;

use libc::*;
use seccompiler::{BpfProgram, sock_filter};

use super::FenceError;

/// Where a call's number and its processor stand in what a filter sees, in bytes (`struct seccomp_data`).
const NUMBER: u32 = 0;
/// See [`NUMBER`].
const PROCESSOR: u32 = 4;
/// This processor's name there (`AUDIT_ARCH_*`): its number in ELF, 64 bits, little-endian.
const THIS: u32 = MACHINE as u32 | 0x8000_0000 | 0x4000_0000;
#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = EM_AARCH64;
#[cfg(target_arch = "riscv64")]
const MACHINE: u16 = EM_RISCV;
/// Most instructions the kernel takes (`BPF_MAXINSNS`).
const INSTRUCTIONS_MAX: usize = 4_096;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is made.
    Pass,
    /// It fails with this error number.
    Fail(c_int),
    /// Whoever makes it ends.
    Kill,
    /// Its arguments decide.
    ByArguments,
}

/// The filter that answers these calls so, all `others` alike, and calls of another kind of processor by the end of whoever
/// makes them (their numbers mean something else). `by_arguments` is a whole filter; it decides only where it is asked.
pub(super) fn of(
    answers: &BTreeMap<c_long, Answer>,
    others: Answer,
    by_arguments: BpfProgram,
) -> Result<BpfProgram, FenceError> {
    let mut ranges: BTreeMap<u32, Answer> = [(0, others)].into();
    for (call, answer) in answers {
        let number = u32::try_from(*call).map_err(|_| FenceError::Long)?;
        ranges.insert(number, *answer);
        if !answers.contains_key(&(call + 1)) {
            ranges.insert(number + 1, others);
        }
    }
    let mut ranges: Vec<(u32, Answer)> = ranges.into_iter().collect();
    ranges.dedup_by_key(|(_, answer)| *answer);
    let mut program = vec![load(PROCESSOR), jump(BPF_JEQ, THIS, 1, 0), ret(SECCOMP_RET_KILL_PROCESS), load(NUMBER)];
    program.extend(search(&ranges, 0));
    program.extend(by_arguments);
    if program.len() > INSTRUCTIONS_MAX { Err(FenceError::Long) } else { Ok(program) }
}

/// Finds the range that the loaded number is in: each goes from its beginning to the next one's. `after` instructions follow
/// before those that look at arguments.
fn search(ranges: &[(u32, Answer)], after: usize) -> Vec<sock_filter> {
    if let [(_, answer)] = ranges {
        return vec![leaf(*answer, after)];
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let Some((middle, _)) = high.first() else { return Vec::new() };
    let high = search(high, after);
    let low = search(low, after + high.len());
    // Conditions jump at most 255 instructions, others any number.
    let mut code = match u8::try_from(low.len()) {
        Ok(over) => vec![jump(BPF_JGE, *middle, over, 0)],
        Err(_) => vec![jump(BPF_JGE, *middle, 0, 1), go(low.len())],
    };
    code.extend(low);
    code.extend(high);
    code
}

fn leaf(answer: Answer, after: usize) -> sock_filter {
    match answer {
        Answer::Pass => ret(SECCOMP_RET_ALLOW),
        Answer::Fail(error) => ret(SECCOMP_RET_ERRNO | (error.unsigned_abs() & SECCOMP_RET_DATA)),
        Answer::Kill => ret(SECCOMP_RET_KILL_PROCESS),
        Answer::ByArguments => go(after),
    }
}

fn load(from: u32) -> sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, 0, 0, from)
}

fn ret(answer: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, 0, 0, answer)
}

fn jump(condition: u32, with: u32, met: u8, otherwise: u8) -> sock_filter {
    instruction(BPF_JMP | condition | BPF_K, met, otherwise, with)
}

/// Skips so many instructions.
fn go(over: usize) -> sock_filter {
    instruction(BPF_JMP | BPF_JA, 0, 0, u32::try_from(over).unwrap_or(u32::MAX))
}

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    // Codes have eight bits.
    sock_filter { code: code as u16, jt, jf, k }
}

#[cfg(test)]
mod tests;
