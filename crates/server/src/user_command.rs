//! `strongroom user`, and what `strongroom key` shares with it: asks the running server, or opens the
//! catalog under the lock if none runs.
//!
//! Guarantees: a change is at work from the server's next request; a secret is printed once, to stdout,
//! in the AWS shared-credentials format. Does not: make a data directory.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use zeroize::Zeroizing;

use crate::{
    access_keys::Key,
    admin,
    cli::{CatalogArgs, UserAddArgs, UserArgs, UserCommand},
    credentials::Credentials,
    data_dir::cannot,
    failure::Failure,
    users::{Answer, NewUser, Request},
};

/// Runs `strongroom user`.
pub(crate) fn run(args: UserArgs) -> Result<(), Failure> {
    let (request, name) = to_request(args.command)?;
    perform(args.catalog, request, &name)
}

/// Has one request done, and prints the answer; `name` is what it is about.
pub(crate) fn perform(catalog: CatalogArgs, request: Request, name: &str) -> Result<(), Failure> {
    match admin::ask_or_open(catalog, admin::Request::User(request))? {
        admin::Answer::User(answer) => print(answer, name),
        admin::Answer::Kms(_) => Err(admin::other_version()),
    }
}

fn to_request(command: UserCommand) -> Result<(Request, String), Failure> {
    Ok(match command {
        UserCommand::Add(add) => {
            let name = add.name.clone();
            (Request::Add(to_new_user(add)?), name)
        }
        UserCommand::List => (Request::List, String::new()),
        UserCommand::Remove { name } => (Request::Remove { name: name.clone() }, name),
    })
}

fn to_new_user(add: UserAddArgs) -> Result<NewUser, Failure> {
    let read = |path: PathBuf| {
        std::fs::read_to_string(&path).map_err(|error| cannot("read the policy", &path, error))
    };
    Ok(NewUser {
        name: add.name,
        id: add.id,
        display_name: add.display_name,
        email: add.email,
        access_key: add.access_key,
        secret_key: add.secret_key,
        policy: add.policy.map(read).transpose()?,
    })
}

fn print(answer: Answer, name: &str) -> Result<(), Failure> {
    let done = |what: &str| Zeroizing::new(format!("{what} {name}\n"));
    let text = match answer {
        Answer::Added { access_key, secret_key } => {
            Credentials { access_key, secret_key: Zeroizing::new(secret_key) }.to_ini(name)
        }
        Answer::Users { users } => Zeroizing::new(users.iter().map(to_line).collect()),
        Answer::Keys { keys } => Zeroizing::new(keys.iter().map(Key::to_line).collect()),
        Answer::Removed => done("removed"),
        Answer::Enabled => done("enabled"),
        Answer::Disabled => done("disabled"),
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

fn to_line(user: &crate::users::User) -> String {
    let email = user.email.as_deref().unwrap_or("-");
    format!("{}\t{}\t{}\t{email}\n", user.name, user.id, user.display_name)
}
