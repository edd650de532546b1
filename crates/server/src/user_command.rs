//! `strongroom user`, and what `strongroom key` shares with it: asks the running server, or opens the catalog under the lock if none runs.
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
    admin, assemble,
    cli::{CatalogArgs, UserAddArgs, UserArgs, UserCommand},
    config::DATA_DIR_DEFAULT,
    credentials::Credentials,
    data_dir::{DataDir, Opened, cannot},
    failure::Failure,
    memory_guard,
    users::{Answer, NewUser, Request, execute},
};

/// Runs `strongroom user`.
pub(crate) fn run(args: UserArgs) -> Result<(), Failure> {
    let (request, name) = to_request(args.command)?;
    perform(args.catalog, request, &name)
}

/// Has one request done, and prints the answer; `name` is what it is about.
pub(crate) fn perform(catalog: CatalogArgs, request: Request, name: &str) -> Result<(), Failure> {
    memory_guard::forbid_core_dumps()?;
    memory_guard::make_files_private();
    let data_dir = catalog.data_dir.unwrap_or_else(|| PathBuf::from(DATA_DIR_DEFAULT));
    if !data_dir.join("serve.lock").exists() {
        return Err(Failure::failed(format!("{} is no data directory", data_dir.display()))
            .hint("name it with --data-dir; the first `strongroom serve` makes it"));
    }
    let answer = match DataDir::open(&data_dir)? {
        Opened::Served { .. } => admin::ask(&data_dir, &request)?,
        Opened::Ours(data) => alone(&data, catalog.master_key_file, request)?,
    };
    print(answer, name)
}

/// Opens the catalog for this one request.
fn alone(data: &DataDir, key: Option<PathBuf>, request: Request) -> Result<Answer, Failure> {
    let master_key = data.master_key(key.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the runtime").detail(error))?;
    runtime.block_on(async {
        let options = assemble::StoreOptions { inline_bytes_max: 0 }; // no object is written here
        let store = assemble::open_store(data, master_key, &options).await?;
        let answer = execute(&store.accounts(), request).await;
        store.close().await?;
        Ok(answer)
    })
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
