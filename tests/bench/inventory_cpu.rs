//! The full inventory and the overview beside `inxi -Fxxxz`, processor time of every process they take.

use venia_tests::measure::catalogue::{begin, command};
use venia_tests::measure::{Bench, Relation, Settings};

fn main() {
    let Some(looking) = begin() else { return };
    let bench =
        Bench { name: "inventory_cpu", limit: 0.35, at_least: false, unit: "s of CPU", relation: Relation::Over };
    let items = looking.goal("before-repair");
    Settings::read().compare(&bench, |_| {
        let ours = looking.look(&items).cpu.as_secs_f64();
        (ours, command("inxi", &["-Fxxxz"]).cpu.as_secs_f64())
    });
}
