//! `strongroom key`: what was typed, as a request to the running server or the catalog.
//!
//! Guarantees: as `user_command`, which does it. Does not: print a secret but that of a key just added.

use crate::{
    access_keys::NewKey,
    cli::{KeyArgs, KeyCommand},
    failure::Failure,
    user_command,
    users::Request,
};

/// Runs the command.
pub(crate) fn run(args: KeyArgs) -> Result<(), Failure> {
    let (request, name) = to_request(args.command);
    user_command::perform(args.catalog, request, &name)
}

fn to_request(command: KeyCommand) -> (Request, String) {
    match command {
        KeyCommand::Add(add) => {
            let name = add.user.clone();
            let new =
                NewKey { user: add.user, access_key: add.access_key, secret_key: add.secret_key };
            (Request::KeyAdd(new), name)
        }
        KeyCommand::List { user } => (Request::KeyList { user }, String::new()),
        KeyCommand::Disable { id } => (Request::KeyEnable { id: id.clone(), enabled: false }, id),
        KeyCommand::Enable { id } => (Request::KeyEnable { id: id.clone(), enabled: true }, id),
        KeyCommand::Remove { id } => (Request::KeyRemove { id: id.clone() }, id),
    }
}
