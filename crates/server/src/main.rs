//! The binary `strongroom`.
//!
//! Exit codes: 0 done (a server that was told to stop has drained), 1 failed, 2 wrong usage, which
//! includes a configuration that cannot be meant. A closed stdout (broken pipe) ends no server and
//! fails no command: what was to be done is done.

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
mod listener;
mod memory_guard;
mod ready;
mod redaction;
mod serve;
mod shutdown;
mod telemetry;
mod tls;
mod user_command;
mod users;

use std::process::ExitCode;

use clap::Parser as _;

/// rustls and hyper allocate for each record and each head: a fast allocator shows in every figure.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match cli::Cli::parse().command {
        cli::Command::Serve(args) => serve::run(*args),
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
