use std::collections::BTreeSet;

use proptest::prelude::*;
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::*;

/// What a filter sees of a call.
#[derive(Clone, Copy)]
struct Call {
    number: u32,
    processor: u32,
    arguments: [u64; 6],
}

impl Call {
    fn word(self, at: u32) -> u32 {
        let half = |word: u64, high: bool| u32::try_from(if high { word >> 32 } else { word & 0xffff_ffff }).unwrap();
        match at {
            NUMBER => self.number,
            PROCESSOR => self.processor,
            8..16 => 0,
            _ => half(self.arguments[(at as usize - 16) / 8], at % 8 == 4),
        }
    }
}

/// Runs it as the kernel would; counts steps.
fn run(program: &[sock_filter], call: Call) -> (u32, usize) {
    let (mut at, mut loaded, mut steps) = (0, 0_u32, 0);
    loop {
        let sock_filter { code, jt, jf, k } = program[at].clone();
        let code = u32::from(code);
        (at, steps) = (at + 1, steps + 1);
        let mut branch = |met: bool| at += usize::from(if met { jt } else { jf });
        match code {
            _ if code == BPF_LD | BPF_W | BPF_ABS => loaded = call.word(k),
            _ if code == BPF_ALU | BPF_AND | BPF_K => loaded &= k,
            _ if code == BPF_RET | BPF_K => return (k, steps),
            _ if code == BPF_JMP | BPF_JA => at += k as usize,
            _ if code == BPF_JMP | BPF_JEQ | BPF_K => branch(loaded == k),
            _ if code == BPF_JMP | BPF_JGE | BPF_K => branch(loaded >= k),
            _ if code == BPF_JMP | BPF_JGT | BPF_K => branch(loaded > k),
            _ => panic!("an instruction that filters don't have: {code:#x}"),
        }
    }
}

/// A filter that lets this argument be only this.
fn only(calls: &BTreeSet<c_long>, value: u64) -> BpfProgram {
    let rules = || {
        let is = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value).unwrap();
        vec![SeccompRule::new(vec![is]).unwrap()]
    };
    let calls = calls.iter().map(|call| (*call, rules())).collect();
    let this = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let fails = SeccompAction::Errno(EPERM.unsigned_abs());
    SeccompFilter::new(calls, fails, SeccompAction::Allow, this).unwrap().try_into().unwrap()
}

fn expected(answer: Answer, argument: u64, value: u64) -> u32 {
    match answer {
        Answer::Pass => SECCOMP_RET_ALLOW,
        Answer::Fail(error) => SECCOMP_RET_ERRNO | error.unsigned_abs(),
        Answer::Kill => SECCOMP_RET_KILL_PROCESS,
        Answer::ByArguments if argument == value => SECCOMP_RET_ALLOW,
        Answer::ByArguments => SECCOMP_RET_ERRNO | EPERM.unsigned_abs(),
    }
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        4 => Just(Answer::Pass),
        1 => Just(Answer::Kill),
        1 => Just(Answer::Fail(ENOSYS)),
        2 => Just(Answer::ByArguments),
    ]
}

proptest! {
    #[test]
    fn g1_every_call_gets_its_own_answer(
        answers in proptest::collection::btree_map(0_i64..600, answer(), 0..400),
        value: u64,
    ) {
        let undecided = answers.iter().filter(|(_, answer)| **answer == Answer::ByArguments);
        let undecided = undecided.map(|(call, _)| *call).collect();
        let program = of(&answers, Answer::Fail(EPERM), only(&undecided, value)).unwrap();
        let numbers = (0..700).chain([u32::MAX, 0x4000_0000, 0x4000_0001]);
        for (number, argument) in numbers.flat_map(|number| [(number, value), (number, value ^ (1 << 40))]) {
            let answer = answers.get(&c_long::from(number)).copied().unwrap_or(Answer::Fail(EPERM));
            let call = Call { number, processor: THIS, arguments: [argument; 6] };
            let (said, steps) = run(&program, call);
            prop_assert_eq!(said, expected(answer, argument, value), "{}", number);
            // That is what it is for.
            prop_assert!(answer == Answer::ByArguments || steps <= 3 + 2 * 10 + 1, "{} steps", steps);
            let other = Call { processor: THIS ^ 1, ..call };
            prop_assert_eq!(run(&program, other).0, SECCOMP_RET_KILL_PROCESS);
        }
    }
}

#[test]
fn g1_the_kernels_longest_program_and_one_more() {
    let length = |more: usize| of(&BTreeMap::new(), Answer::Kill, vec![ret(0); more]).map(|program| program.len());
    let own = length(0).unwrap();
    assert_eq!(length(INSTRUCTIONS_MAX - own).unwrap(), INSTRUCTIONS_MAX);
    assert!(matches!(length(INSTRUCTIONS_MAX - own + 1), Err(FenceError::Long)));
}
