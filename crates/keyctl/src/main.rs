//! The binary `strongkey`: the customer's side.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage. A closed stdout (broken pipe) fails nothing.
//! Guarantees: a key is printed only where the command's purpose is to print it, and is wiped from
//! memory when the command ends. Does not: send anything anywhere.

mod cli;
mod commands;
mod failure;
mod key_file;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::FAILURE
        }
    }
}
