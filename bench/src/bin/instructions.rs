//! Answers one kind of request a number of times: `instructions WORKLOAD COUNT`.
//!
//! Made to be run under `valgrind --tool=callgrind`, once with a small and once with a larger count:
//! the difference is what the requests between cost. `cargo xtask instructions` does it.

use std::process::ExitCode;

use bench::{Workload, World};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = match arguments.as_slice() {
        [name, count] => Workload::parse(name).zip(count.parse::<usize>().ok()),
        _ => None,
    };
    let Some((workload, count)) = asked else { return ExitCode::from(2) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(async {
        let world = World::new().await;
        workload.prepare(&world).await;
        let request = workload.request();
        for _ in 0..count {
            world.answer(request.clone()).await;
        }
    });
    ExitCode::SUCCESS
}
