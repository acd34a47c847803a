//! The same as `throughput` on a disk that takes 3 ms for an `fdatasync`, the middle of what its limit was set for.

fn main() {
    venia_tests::measure::throughput::compare_on_slower_disk("throughput_3ms", 3);
}
