//! A PgBouncer of the tests' own, which shares few connections between transactions.
//!
//! Where Debian's package `pgbouncer` is absent the test says so on standard error and passes.

use std::{
    net::{TcpListener, TcpStream},
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::cluster::{Cluster, NOBODY, is_root};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// A running pooler in front of a cluster.
pub(crate) struct Pooler {
    process: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Pooler {
    /// Starts one that gives a connection to whoever has a transaction, and takes it back after it.
    pub(crate) fn start(cluster: &Cluster) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            eprintln!("SKIPPED: PgBouncer is not installed (Debian's package pgbouncer)");
            return None;
        }
        let directory = tempfile::Builder::new().prefix("strongroom-pgb-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[databases]\npostgres = host=127.0.0.1 port={} dbname=postgres user=strongroom\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 200\n",
            cluster.port
        );
        let file = directory.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
        if is_root() {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
            command.uid(NOBODY).gid(NOBODY);
        }
        let process = command.spawn().unwrap();
        let pooler = Self { process, port, _directory: directory };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(pooler);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PgBouncer did not come up");
    }

    /// The same schema by way of the pooler.
    pub(crate) fn in_front_of(&self, address: &str, cluster: &Cluster) -> String {
        address.replace(&format!(":{}/", cluster.port), &format!(":{}/", self.port))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
