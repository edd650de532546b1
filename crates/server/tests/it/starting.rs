//! A server that is told to stop while it waits for others before it serves: it ends at once, as ever.
//!
//! Whom it waits for is played by a listener that takes connections and never answers.

use std::{
    io::Read as _,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::rig::strongroom;

/// Far below every time-out of what is waited for, and enough for a loaded machine.
const END_MAX: Duration = Duration::from_secs(4);

/// Somebody who never answers.
struct Silent(TcpListener);

impl Silent {
    fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Waits until the server has connected and asked something.
    fn asked(&self) -> TcpStream {
        let (mut stream, _) = self.0.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        stream
    }
}

/// Tells a server that waits for `silent` to stop; its exit code and what its log said.
fn told_to_stop(command: &mut Command, silent: &Silent, signal: &str) -> (Option<i32>, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _held = silent.asked();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    let ended = ends(&mut child);
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    assert!(ended, "the server goes on waiting");
    assert_eq!(output.stdout, b"", "it announced itself");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn ends(child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < END_MAX {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn a_server_that_waits_for_its_catalog_ends_at_once() {
    for (signal, front_ends) in [("-TERM", "one"), ("-INT", "several")] {
        let (dir, silent) = (tempfile::tempdir().unwrap(), Silent::listen());
        let url = format!("postgres://somebody@{}/catalog?sslmode=disable", silent.address());
        let mut command = strongroom(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(dir.path()).args(["--metadata", &url, "--front-ends", front_ends]);
        let (code, log) = told_to_stop(&mut command, &silent, signal);
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("stopping"), "{log}");
    }
}

#[test]
fn a_server_that_waits_for_the_mark_of_its_blobs_ends_at_once() {
    let (dir, silent) = (tempfile::tempdir().unwrap(), Silent::listen());
    let url = format!("s3://bucket/prefix?endpoint=http://{}&allow_http=true", silent.address());
    let mut command = strongroom(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(dir.path()).args(["--blobs", &url]);
    command.env("AWS_ACCESS_KEY_ID", "somebody").env("AWS_SECRET_ACCESS_KEY", "nothing");
    let (code, log) = told_to_stop(&mut command, &silent, "-TERM");
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopping"), "{log}");
}
