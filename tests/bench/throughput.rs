//! Events a second at 64 appenders, over a bare file that takes the same batches with one `fdatasync` each: at least 0.75.
//!
//! On the disk at hand. On a fast one no ledger that checks signatures reaches it; `throughput_3ms` shows the other side.

fn main() {
    venia_tests::measure::throughput::compare("throughput");
}
