//! The binary `strongroom`.
//!
//! Exit codes: 0 done (a server that was told to stop has drained), 1 failed, 2 wrong usage, which
//! includes a configuration that cannot be meant. A closed stdout (broken pipe) ends no server and
//! fails no command: what was to be done is done.

mod access_keys;
mod activity;
mod admin;
mod assemble;
mod certificates;
mod cli;
mod config;
mod connection;
mod credentials;
mod data_dir;
mod failure;
mod handler;
mod health;
mod key_command;
mod kms;
mod kms_command;
mod linger;
mod listener;
mod memory_guard;
mod metadata;
mod migrate_command;
mod ready;
mod redaction;
mod serve;
mod shutdown;
mod socket;
mod telemetry;
mod tls;
mod user_command;
mod users;

use std::process::ExitCode;

use clap::Parser as _;

/// Wipes what it frees, since keys pass through buffers of libraries that do not. Under it a fast one:
/// rustls and hyper allocate for each record and each head.
#[global_allocator]
static ALLOCATOR: memory::WipingAllocator<mimalloc::MiMalloc> =
    memory::WipingAllocator::new(mimalloc::MiMalloc);

fn main() -> ExitCode {
    #[cfg(feature = "key-witness")]
    if std::env::var_os(memory::NO_WIPE_VARIABLE).is_some_and(|value| value == "1") {
        memory::disable_wiping_for_test();
    }
    let done = match cli::Cli::parse().command {
        cli::Command::Serve(args) => serve::run(*args),
        cli::Command::Key(args) => key_command::run(*args),
        cli::Command::Kms(args) => kms_command::run(*args),
        cli::Command::Migrate(args) => migrate_command::run(*args),
        cli::Command::User(args) => user_command::run(*args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            failure.exit_code()
        }
    }
}
