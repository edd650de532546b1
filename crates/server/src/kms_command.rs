//! `strongroom kms`: the named keys of the built-in ring, beside a running server or while none runs.
//!
//! Guarantees: a change counts from the server's next request; no key is ever printed.
//! Does not: make a data directory.

use std::io::{self, Write as _};

use crate::{
    admin,
    cli::{KmsArgs, KmsCommand},
    failure::Failure,
    kms::{Answer, Key, Request},
};

/// Runs the command.
pub(crate) fn run(args: KmsArgs) -> Result<(), Failure> {
    let (request, done) = to_request(args.command);
    match admin::ask_or_open(args.catalog, admin::Request::Kms(request))? {
        admin::Answer::Kms(answer) => print(answer, &done),
        admin::Answer::User(_) => Err(admin::other_version()),
    }
}

/// The request, and what is printed when it is done.
fn to_request(command: KmsCommand) -> (Request, String) {
    match command {
        KmsCommand::Add { name } => (Request::Add { name: name.clone() }, format!("added {name}")),
        KmsCommand::List => (Request::List, String::new()),
        KmsCommand::Disable { name } => {
            let done = format!("disabled {name}");
            (Request::SetEnabled { name, enabled: false }, done)
        }
        KmsCommand::Enable { name } => {
            let done = format!("enabled {name}");
            (Request::SetEnabled { name, enabled: true }, done)
        }
        KmsCommand::Remove { name, force } => {
            let done = format!("removed {name}");
            (Request::Remove { name, force }, done)
        }
    }
}

fn print(answer: Answer, done: &str) -> Result<(), Failure> {
    let text = match answer {
        Answer::Done => format!("{done}\n"),
        Answer::Keys { keys } => keys.iter().map(to_line).collect(),
        Answer::Refused { why } => return Err(Failure::failed(why)),
        Answer::Failed { why } => {
            return Err(Failure::failed("the catalog did not do it").detail(why));
        }
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed("cannot write to stdout").detail(error))
        }
        _ => Ok(()),
    }
}

fn to_line(key: &Key) -> String {
    let state = if key.enabled { "enabled" } else { "disabled" };
    format!("{}\t{state}\t{}\n", key.name, key.created_ms)
}
