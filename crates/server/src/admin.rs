//! The admin socket: how `strongroom user`, `key` and `kms` speak to a running server.
//!
//! One request is one JSON line, and so is its answer; then the connection closes. Guarantees: the
//! socket has mode 0600 (the process's umask) in a directory of mode 0700, and a request is bounded in
//! size and time. Does not: authenticate further; who may open the socket may read the master key too.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::{
        fd::AsRawFd as _,
        unix::{fs::PermissionsExt as _, net::UnixStream as BlockingStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    time::timeout,
};
use zeroize::Zeroizing;

use crate::{
    assemble::{self, StoreOptions},
    cli::CatalogArgs,
    config::{DATA_DIR_DEFAULT, parse_blobs},
    credentials::RootCredentials,
    data_dir::{DataDir, Opened, admin_socket_in, cannot},
    failure::Failure,
    kms::{self, Keys},
    memory_guard,
    metadata::Metadata,
    users::{self, Accounts},
};

/// One request, as a JSON line. Not printable: it may hold a secret.
#[derive(Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// About users.
    User(users::Request),
    /// About named keys.
    Kms(kms::Request),
}

/// One answer, as a JSON line. Not printable: it may hold a secret.
#[derive(Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// About users; also what is said of a request that nobody knows.
    User(users::Answer),
    /// About named keys.
    Kms(kms::Answer),
}

/// Does what is asked.
async fn execute(accounts: &impl Accounts, keys: &impl Keys, request: Request) -> Answer {
    match request {
        Request::User(request) => Answer::User(users::execute(accounts, request).await),
        Request::Kms(request) => Answer::Kms(kms::execute(keys, request).await),
    }
}

/// The bound socket.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl AdminSocket {
    /// Binds it. What an ended server left behind is replaced: `data` holds the lock.
    pub(crate) fn bind(data: &DataDir) -> Result<Self, Failure> {
        let path = data.admin_socket();
        bind_short(data.path(), &path)
            .map(|listener| Self { listener, path: path.clone() })
            .map_err(|error| cannot("open the admin socket", &path, error))
    }

    /// Answers until dropped.
    pub(crate) async fn serve(self, accounts: impl Accounts, keys: impl Keys) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let (accounts, keys) = (accounts.clone(), keys.clone());
                    tokio::spawn(async move {
                        let answered =
                            timeout(EXCHANGE_TIMEOUT, exchange(stream, accounts, keys)).await;
                        if !matches!(answered, Ok(Ok(()))) {
                            tracing::warn!("a request on the admin socket broke off");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept on the admin socket");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // the next start removes it otherwise
    }
}

/// Binds through the open directory: a socket's own path may have no more than 107 bytes.
fn bind_short(dir: &Path, path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let dir = File::open(dir)?;
    let short = short_path(&dir);
    let listener = UnixListener::bind(&short)?;
    // The umask, which kept others out until here, leaves a right to execute, which means nothing.
    fs::set_permissions(short, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn short_path(dir: &File) -> PathBuf {
    admin_socket_in(Path::new(&format!("/proc/self/fd/{}", dir.as_raw_fd())))
}

async fn exchange(stream: UnixStream, accounts: impl Accounts, keys: impl Keys) -> io::Result<()> {
    let (from, mut to) = stream.into_split();
    let mut line = Zeroizing::new(String::new());
    tokio::io::BufReader::new(from).take(LINE_BYTES_MAX).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<Request>(&line) {
        Ok(request) => execute(&accounts, &keys, request).await,
        Err(_) => Answer::User(users::Answer::Refused {
            why: "the request is not one that this version knows".into(),
        }),
    };
    to.write_all(to_line(&answer)?.as_bytes()).await
}

fn to_line(value: &impl Serialize) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(serde_json::to_string(value).map_err(io::Error::other)?);
    line.push('\n');
    Ok(line)
}

/// Asks the running server, or opens the catalog under the lock if none runs.
pub(crate) fn ask_or_open(catalog: CatalogArgs, request: Request) -> Result<Answer, Failure> {
    memory_guard::forbid_core_dumps()?;
    memory_guard::make_files_private();
    let data_dir = catalog.data_dir.unwrap_or_else(|| PathBuf::from(DATA_DIR_DEFAULT));
    if !data_dir.join("serve.lock").exists() {
        return Err(Failure::failed(format!("{} is no data directory", data_dir.display()))
            .hint("name it with --data-dir; the first `strongroom serve` makes it"));
    }
    match DataDir::open(&data_dir)? {
        Opened::Served { .. } => ask(&data_dir, &request),
        Opened::Ours(data) => {
            let options = StoreOptions {
                blobs: parse_blobs(catalog.blobs)?,
                metadata: Metadata::parse(catalog.metadata, catalog.front_ends)?,
                inline_bytes_max: 0,           // no object is written here
                removal_grace: Duration::ZERO, // nor any body removed
            };
            alone(&data, (catalog.master_key_file, options), request)
        }
    }
}

/// Opens the catalog for this one request.
fn alone(
    data: &DataDir,
    (key, options): (Option<PathBuf>, StoreOptions),
    request: Request,
) -> Result<Answer, Failure> {
    let master_key = data.master_key(key.as_deref())?;
    let root = RootCredentials::access_key_if_made(data)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the runtime").detail(error))?;
    runtime.block_on(async {
        let store = assemble::open_store(data, master_key, &options).await?;
        let answer = execute(&store.accounts(root), &store.keys(), request).await;
        store.close().await?;
        Ok(answer)
    })
}

/// An answer about something else than was asked.
pub(crate) fn other_version() -> Failure {
    Failure::failed("the running server does not know this command")
        .hint("it may be of another version: restart it")
}

/// Asks the server of `data_dir`, from a process without a runtime.
fn ask(data_dir: &Path, request: &Request) -> Result<Answer, Failure> {
    ask_on_socket(data_dir, request).map_err(|error| {
        cannot("speak to the server on", &admin_socket_in(data_dir), error)
            .hint("it may be starting or stopping: try again")
    })
}

fn ask_on_socket(data_dir: &Path, request: &Request) -> io::Result<Answer> {
    let dir = File::open(data_dir)?;
    let mut stream = BlockingStream::connect(short_path(&dir))?;
    stream.set_read_timeout(Some(EXCHANGE_TIMEOUT))?;
    stream.write_all(to_line(request)?.as_bytes())?;
    let mut line = Zeroizing::new(String::new());
    // A list of users may be longer than any request.
    BufReader::new(stream.take(u64::MAX)).read_line(&mut line)?;
    serde_json::from_str(&line).map_err(io::Error::other)
}

/// A policy of 20 KiB escaped as JSON several times over.
const LINE_BYTES_MAX: u64 = 256 * 1024;
/// One commit to the catalog, on a machine that is very busy.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// Out of file descriptors is over when some connection closes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kms::tests::MemoryKeys,
        users::{NewUser, tests::MemoryAccounts},
    };

    #[tokio::test]
    async fn a_request_and_its_answer_pass_through_a_long_path() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(120));
        let data = DataDir::open_alone(&deep).unwrap();
        let socket = AdminSocket::bind(&data).unwrap();
        let serving = tokio::spawn(socket.serve(MemoryAccounts::default(), MemoryKeys::default()));
        let asked = tokio::task::spawn_blocking(move || {
            let new = NewUser { name: "bob".to_owned(), ..NewUser::default() };
            let added = ask(&deep, &Request::User(users::Request::Add(new))).unwrap();
            let listed = ask(&deep, &Request::User(users::Request::List)).unwrap();
            let add = kms::Request::Add { name: "k".to_owned() };
            (added, listed, ask(&deep, &Request::Kms(add)).unwrap())
        });
        let (added, listed, key) = asked.await.unwrap();
        assert!(matches!(added, Answer::User(users::Answer::Added { .. })));
        assert!(matches!(listed, Answer::User(users::Answer::Users { users }) if users.len() == 1));
        assert!(matches!(key, Answer::Kms(kms::Answer::Done)));
        serving.abort();
    }

    #[tokio::test]
    async fn nonsense_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open_alone(dir.path()).unwrap();
        let socket = AdminSocket::bind(&data).unwrap();
        let serving = tokio::spawn(socket.serve(MemoryAccounts::default(), MemoryKeys::default()));
        let mut stream = UnixStream::connect(dir.path().join("admin.sock")).await.unwrap();
        stream.write_all(b"{\"command\":\"shrug\"}\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("\"refused\""), "{answer}");
        serving.abort();
    }
}
