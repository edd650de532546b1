//! What the stages of a request cost by the clock: `cargo bench -p bench --bench stages`.
//!
//! Guarantees: each stage runs through the crates' public interfaces, as a server runs it, with the
//! allocator that wipes.
//! Does not: judge. Figures of a busy machine say little; docs/benchmarks.md says how to take them.

mod catalog;
mod protocol;
mod sealing;

fn main() {
    let mut criterion = criterion::Criterion::default().configure_from_args();
    sealing::measure(&mut criterion);
    protocol::measure(&mut criterion);
    catalog::measure(&mut criterion);
    criterion.final_summary();
}
