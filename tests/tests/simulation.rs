//! Thousands of sessions in a world that goes wrong; every rule is checked after every event.
//!
//! `VENIA_SIM_SEED=n` lives one session again; `VENIA_SIM_SEEDS=n` says how many to live.

use std::collections::BTreeMap;

use venia_tests::sim::{items, world};

/// Sessions lived by default: some ten seconds of an unoptimised build.
const SEEDS: u64 = 8_000;

#[expect(clippy::expect_used, reason = "a wrong number is the caller's")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn simulation() {
    let catalog = items::catalog().expect("the simulation's catalogue is valid");
    let seeds = match number("VENIA_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("VENIA_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let (mut events, mut performed, mut results, mut looks, mut ends) = (0, 0, 0, 0, BTreeMap::<String, u64>::new());
    let lived = seeds.end - seeds.start;
    for seed in seeds {
        match world::run(&catalog, seed) {
            Ok(tally) => {
                events += tally.events;
                performed += tally.performed;
                results += tally.results;
                looks += tally.looks;
                for (end, times) in tally.ends {
                    *ends.entry(end).or_default() += times;
                }
            }
            Err(broken) => panic!("{}\na rule broke\n  {broken}", world::story(&catalog, seed)),
        }
    }
    println!(
        "simulation: {lived} sessions, {events} events, {performed} runs, {results} results sent, {looks} looks, ends {ends:?}"
    );
    if lived >= SEEDS {
        // A world in which something never happens proves nothing about it.
        let every = [
            "Crash",
            "Disk",
            "Done",
            "Expiry",
            "Lost",
            "NoEyes",
            "PeerMisbehaved",
            "Refused",
            "RelayWithholds",
            "Revoked",
            "Silence",
            "Stopped",
            "TechnicianLeft",
        ];
        assert_eq!(ends.keys().map(String::as_str).collect::<Vec<_>>(), every);
        assert!(performed > lived && results > lived / 2, "too little ran");
        assert!(looks > lived / 10, "too little was looked at");
    }
}
