use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::checks::proof::{all_is_said, findings, told};

/// A connection without a fault: 10 ms to the relay, 20 ms there and back, 8,000 kbit/s up and down.
fn fine() -> Figures {
    let pace = Some(Pace { bytes: 100_000, micros: 100_000, whole: true });
    let up = Some(Pace { bytes: 100_000, micros: 120_000, whole: true });
    Figures { relay: 10_000, trips: vec![20_000; 20], sent: 40, lost: 0, packet: 1_480, up, down: pace }
}

fn found(figures: Figures) -> Vec<String> {
    findings::<Relay>(Some(figures))
}

fn severities(figures: Figures) -> Vec<(Severity, String)> {
    let report = told(Relay::ID, &Relay::judge(Some(figures)));
    report.findings.into_iter().map(|finding| (finding.severity, finding.id)).collect()
}

/// That many kbit/s.
fn pace(kilobits: u64) -> Pace {
    Pace { bytes: kilobits * 125, micros: 1_000_000, whole: true }
}

fn recorded(name: &str) -> Figures {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/connections"));
    let written = std::fs::read_to_string(folder.join(name)).unwrap();
    Relay::gather(&Arguments::from([(FIGURES.to_owned(), written)])).unwrap().unwrap()
}

#[test]
fn recorded_connections_are_judged() {
    assert_eq!(found(recorded("fibre.json")), ["good"]);
    assert_eq!(
        severities(recorded("weak-wifi.json")),
        [
            (Severity::Warning, "uneven".to_owned()),
            (Severity::Warning, "lossy".to_owned()),
            (Severity::Warning, "slow-up".to_owned()),
            (Severity::Warning, "slow-down".to_owned())
        ]
    );
    assert_eq!(
        severities(recorded("satellite-tunnel.json")),
        [
            (Severity::Critical, "slow-up".to_owned()),
            (Severity::Warning, "slow-answer".to_owned()),
            (Severity::Warning, "small-packets".to_owned()),
            (Severity::Unknown, "no-speed".to_owned())
        ]
    );
}

#[test]
fn answers_below_at_and_above_their_limits() {
    for (micros, severity) in [
        (299_999, None),
        (300_000, Some(Severity::Warning)),
        (799_999, Some(Severity::Warning)),
        (800_000, Some(Severity::Critical)),
        (800_001, Some(Severity::Critical)),
    ] {
        let said = |id: &str| severity.map_or(vec![(Severity::Ok, "good".to_owned())], |s| vec![(s, id.to_owned())]);
        assert_eq!(severities(Figures { relay: micros, ..fine() }), said("slow-answer"), "{micros}");
        // Its own round trip is taken off the way up.
        let up = Some(Pace { bytes: 1_000_000, micros: 2_000_000, whole: true });
        assert_eq!(severities(Figures { trips: vec![micros; 20], up, ..fine() }), said("slow-beyond"), "{micros}");
    }
}

#[test]
fn unevenness_is_the_mean_difference_of_neighbours() {
    for (difference, said) in [(29_999, "good"), (30_000, "uneven"), (30_001, "uneven")] {
        let trips: Vec<u64> = (0..20).map(|n| 20_000 + n % 2 * difference).collect();
        assert_eq!(found(Figures { trips, ..fine() }), [said], "{difference}");
    }
    // A way that slowly gets slower is not uneven.
    assert_eq!(found(Figures { trips: (0..20).map(|n| 20_000 + n * 10_000).collect(), ..fine() }), ["good"]);
    assert_eq!(Figures { trips: vec![20_000], ..fine() }.jitter(), None);
}

#[test]
fn one_lost_packet_is_chance_and_shares_count_from_two() {
    for (lost, sent, severity) in [
        (1, 2, Severity::Ok),
        (2, 101, Severity::Ok),
        (2, 100, Severity::Warning),
        (2, 21, Severity::Warning),
        (2, 20, Severity::Critical),
        (20, 20, Severity::Critical),
    ] {
        assert_eq!(severities(Figures { lost, sent, ..fine() })[0].0, severity, "{lost} of {sent}");
    }
}

#[test]
fn packets_are_small_only_where_the_search_can_not_be_to_blame() {
    for (packet, said) in [(1_239, "small-packets"), (1_240, "good"), (1_241, "good"), (1_266, "good"), (1_280, "good")]
    {
        assert_eq!(found(Figures { packet, ..fine() }), [said], "{packet}");
    }
}

#[test]
fn speeds_below_at_and_above_their_limits() {
    for (kilobits, severity) in [
        (127, Some(Severity::Critical)),
        (128, Some(Severity::Warning)),
        (999, Some(Severity::Warning)),
        (1_000, None),
        (1_001, None),
    ] {
        let said = |id: &str| severity.map_or(vec![(Severity::Ok, "good".to_owned())], |s| vec![(s, id.to_owned())]);
        assert_eq!(severities(Figures { down: Some(pace(kilobits)), ..fine() }), said("slow-down"), "{kilobits}");
        let Pace { bytes, micros, whole } = pace(kilobits);
        let up = Some(Pace { bytes, micros: micros + 20_000, whole });
        assert_eq!(severities(Figures { up, ..fine() }), said("slow-up"), "{kilobits}");
    }
}

#[test]
fn no_speed_comes_out_of_noise() {
    let pace = Pace { bytes: 1_000, micros: 1_000, whole: true };
    assert_eq!(pace.without(900).micros, 500);
    assert_eq!(pace.without(500).micros, 500);
    assert_eq!(pace.without(499).micros, 501);
    assert!(Pace { micros: 0, ..pace }.without(u64::MAX).kilobits().is_finite());
}

#[test]
fn what_did_not_arrive_states_no_speed() {
    let late = Some(Pace { bytes: 16_384, micros: 5_000_000, whole: false });
    let draft = Relay::judge(Some(Figures { up: late, down: None, ..fine() }));
    assert!(draft.facts.iter().all(|fact| fact.key != "up" && fact.key != "down"));
    assert_eq!(found(Figures { up: late, down: None, ..fine() }), ["slow-up", "no-speed"]);
}

#[test]
fn without_a_session_nothing_can_be_told() {
    assert_eq!(Relay::gather(&Arguments::new()).unwrap(), None);
    assert_eq!(findings::<Relay>(None), ["no-connection"]);
    assert!(told(Relay::ID, &Relay::judge(None)).is_unknown());
    for nonsense in ["", "{}", "[1]", r#"{"relay":-1}"#] {
        let failed = Relay::gather(&Arguments::from([(FIGURES.to_owned(), nonsense.to_owned())]));
        assert!(matches!(failed, Err(Failure::Argument(FIGURES))), "{nonsense}");
    }
}

#[test]
fn everything_declared_is_said() {
    let slow = || Some(pace(10));
    all_is_said::<Relay>(vec![
        None,
        Some(fine()),
        Some(Figures { relay: 400_000, ..fine() }),
        Some(Figures { trips: vec![400_000; 20], up: slow(), ..fine() }),
        Some(Figures { trips: vec![1, 900_000, 1], lost: 9, packet: 1_200, down: slow(), ..fine() }),
        Some(Figures { trips: vec![], up: None, down: None, ..fine() }),
        Some(Figures { down: None, ..fine() }),
    ]);
}

proptest! {
    #[test]
    fn any_figures_are_judged(
        n in any::<[u64; 5]>(),
        trips in prop::collection::vec(any::<u64>(), 0..30),
        packet in any::<u32>(),
        whole in any::<bool>(),
    ) {
        let [relay, sent, lost, bytes, micros] = n;
        let pace = Some(Pace { bytes, micros, whole });
        let figures = Figures { relay, trips, sent, lost, packet, up: pace, down: pace };
        let written = serde_json::to_string(&figures).unwrap();
        prop_assert_eq!(serde_json::from_str::<Figures>(&written).unwrap(), figures.clone());
        told(Relay::ID, &Relay::judge(Some(figures)));
    }
}
