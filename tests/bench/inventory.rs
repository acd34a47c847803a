//! The full inventory and the overview beside `inxi -Fxxxz`, wall time.

use venia_tests::measure::catalogue::{begin, command};
use venia_tests::measure::{Bench, Relation, Settings};

fn main() {
    let Some(looking) = begin() else { return };
    let bench =
        Bench { name: "inventory", limit: 0.35, at_least: false, unit: "s of wall time", relation: Relation::Over };
    let items = looking.goal("before-repair");
    Settings::read().compare(&bench, |_| {
        let ours = looking.look(&items).wall.as_secs_f64();
        (ours, command("inxi", &["-Fxxxz"]).wall.as_secs_f64())
    });
}
