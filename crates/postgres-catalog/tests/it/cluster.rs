//! A PostgreSQL of the tests' own: made in a temporary directory, on a Unix socket and a free port.
//!
//! Where Debian's package `postgresql` is absent the tests say so on standard error and pass; the step
//! `postgres` of `cargo xtask ci` counts that as skipped.

use std::{
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use object_engine::entropy::Entropy;
use postgres_catalog::PostgresCatalog;

/// `nobody`: PostgreSQL does not run as root.
pub(crate) const NOBODY: u32 = 65_534;

/// A running server.
pub(crate) struct Cluster {
    bin: PathBuf,
    directory: tempfile::TempDir,
    pub(crate) port: u16,
    schemas: AtomicU64,
}

/// The cluster that tests share, if PostgreSQL is installed.
pub(crate) fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    let started = || {
        let cluster = Cluster::start(&["fsync=off"])?;
        cluster.end_with_this_process();
        Some(cluster)
    };
    SHARED.get_or_init(started).as_ref()
}

impl Cluster {
    /// Makes and starts a server with these settings.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        let Some(bin) = installed() else {
            eprintln!("SKIPPED: PostgreSQL is not installed (Debian's package postgresql)");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("strongroom-pg-").tempdir().unwrap();
        if is_root() {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { bin, directory, port, schemas: AtomicU64::new(0) };
        cluster.run("initdb", &["-D", "data", "-A", "trust", "-U", "strongroom", "-E", "UTF8"]);
        let mut options = format!("-k {} -p {port}", cluster.directory.path().display());
        for setting in settings.iter().chain(&["listen_addresses=127.0.0.1", "max_connections=200"])
        {
            options.push_str(&format!(" -c {setting}"));
        }
        cluster.run("pg_ctl", &["-D", "data", "-l", "log", "-w", "-o", &options, "start"]);
        Some(cluster)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.bin.join(program));
        command.args(arguments).current_dir(self.directory.path());
        command.stdout(Stdio::null()).stdin(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        assert!(command.status().unwrap().success(), "{program} failed");
    }

    /// Has a shell wait for the end of this process, however it ends, and stop the server then: nothing
    /// that is static is ever dropped.
    fn end_with_this_process(&self) {
        let mut watcher = Command::new("sh");
        watcher.args(["-c", "cat; \"$0\" -D data -m immediate stop; cd /; rm -rf \"$1\""]);
        watcher.arg(self.bin.join("pg_ctl")).arg(self.directory.path());
        watcher.current_dir(self.directory.path());
        watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if is_root() {
            watcher.uid(NOBODY).gid(NOBODY);
        }
        // The pipe closes with this process.
        std::mem::forget(watcher.spawn().unwrap().stdin.take());
    }

    /// Ends the server at once, as a crash would, and starts it again.
    pub(crate) fn crash(&self) {
        self.run("pg_ctl", &["-D", "data", "-m", "immediate", "restart", "-l", "log", "-w"]);
    }

    /// The address of a schema that nothing has used yet.
    pub(crate) fn fresh(&self) -> String {
        let number = self.schemas.fetch_add(1, Ordering::Relaxed);
        self.address(&format!("test_{number}"))
    }

    /// The address of a schema.
    pub(crate) fn address(&self, schema: &str) -> String {
        format!(
            "postgres://strongroom@127.0.0.1:{}/postgres?sslmode=disable&schema={schema}",
            self.port
        )
    }

    /// A plain connection, to look behind the catalog.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let address = format!("host=127.0.0.1 port={} user=strongroom dbname=postgres", self.port);
        let (client, connection) =
            tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = Command::new(self.bin.join("pg_ctl"));
        stop.args(["-D", "data", "-m", "immediate", "stop"]).current_dir(self.directory.path());
        if is_root() {
            stop.uid(NOBODY).gid(NOBODY);
        }
        drop(stop.stdout(Stdio::null()).status());
    }
}

/// The newest installed server.
fn installed() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop()
}

pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().unwrap().uid() == 0
}

/// Random enough for ids of commits.
#[derive(Debug)]
pub(crate) struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        use std::io::Read;
        std::fs::File::open("/dev/urandom").unwrap().read_exact(bytes).unwrap();
    }
}

/// A catalog in a schema of its own.
pub(crate) async fn catalog(address: &str) -> PostgresCatalog {
    PostgresCatalog::open(address, Arc::new(OsEntropy)).await.unwrap()
}
