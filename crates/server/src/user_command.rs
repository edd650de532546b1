//! `strongroom user`: adds, lists and removes users, beside a running server or while none runs.
//!
//! Guarantees: a change is at work from the server's next request; a secret is printed once, to stdout,
//! in the AWS shared-credentials format. Does not: make a data directory.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use zeroize::Zeroizing;

use crate::{
    admin::{self, Place},
    cli::{UserAddArgs, UserArgs, UserCommand},
    credentials::Credentials,
    data_dir::cannot,
    failure::Failure,
    users::{Answer, NewUser, Request},
};

/// Runs the command.
pub(crate) fn run(args: UserArgs) -> Result<(), Failure> {
    let place = Place { data_dir: args.data_dir, master_key_file: args.master_key_file };
    let (request, name) = to_request(args.command)?;
    match admin::ask_or_open(place, admin::Request::User(request))? {
        admin::Answer::User(answer) => print(answer, &name),
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
    let text = match answer {
        Answer::Added { access_key, secret_key } => {
            Credentials { access_key, secret_key: Zeroizing::new(secret_key) }.to_ini(name)
        }
        Answer::Users { users } => Zeroizing::new(users.iter().map(to_line).collect()),
        Answer::Removed => Zeroizing::new(format!("removed {name}\n")),
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
