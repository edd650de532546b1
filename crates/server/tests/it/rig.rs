//! Starts the binary in a directory of its own and speaks to it.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};

/// The command, free of the surrounding environment's settings.
pub(crate) fn strongroom(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STRONGROOM_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end: exit code, stdout, stderr.
pub(crate) fn transcript(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The line that it said when it was ready.
    pub(crate) ready: String,
    /// How long that took.
    pub(crate) took: Duration,
    /// Where it listens with TLS.
    pub(crate) address: SocketAddr,
    /// Its data directory.
    pub(crate) data: PathBuf,
}

impl Server {
    /// Starts on a free port and waits for the ready line.
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut command = strongroom(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(data).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        let took = begun.elapsed();
        let address = ready.split("https://").nth(1).unwrap().split(' ').next().unwrap();
        let address = address.parse().unwrap();
        Self { child, stdout, ready, took, address, data: data.to_owned() }
    }

    /// What it said after the ready line, until a line with `last` in it.
    pub(crate) fn said_until(&mut self, last: &str) -> String {
        let mut text = String::new();
        while !text.contains(last) {
            assert_ne!(self.stdout.read_line(&mut text).unwrap(), 0, "ended without {last}");
        }
        text
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its exit, which must come within ten seconds.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        for _ in 0..1_000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not end");
    }

    /// A verified TLS connection to it.
    pub(crate) fn connect(&self) -> std::io::Result<Secure> {
        connect(self.address, &self.data.join("tls/ca.pem"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A TLS stream whose server was verified.
pub(crate) type Secure = StreamOwned<ClientConnection, TcpStream>;

/// Connects and shakes hands, trusting `ca` alone.
pub(crate) fn connect(address: SocketAddr, ca: &Path) -> std::io::Result<Secure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::from(address.ip());
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = TcpStream::connect(address)?;
    tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut stream = StreamOwned::new(tls, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// One GET on a connection that closes after it: the whole answer as text.
pub(crate) fn get(mut stream: impl std::io::Read + std::io::Write, path: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A server may close without TLS's own farewell.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A file's permission bits.
pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
