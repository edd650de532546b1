//! A running server: its files, its TLS, its limits and its end.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::process::ExitStatusExt as _,
    time::{Duration, Instant},
};

use crate::rig::{Server, connect, get, mode, strongroom, transcript};

#[test]
fn first_start_makes_private_files_and_says_where_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut server = Server::start(&data, &[]);
    assert!(server.took < Duration::from_secs(1), "{:?}", server.took);
    let line =
        format!("strongroom is ready: https://{} (data in {})\n", server.address, data.display());
    assert_eq!(server.ready, line);
    assert_eq!(mode(&data), 0o700);
    for name in
        ["serve.lock", "admin.sock", "master.key", "credentials", "tls/key.pem", "tls/ca.pem"]
    {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    let tips = server.said_until("file.back");
    for name in ["credentials", "tls/ca.pem"] {
        let path = data.canonicalize().unwrap().join(name);
        assert!(tips.contains(path.to_str().unwrap()), "{tips}");
    }
}

#[test]
fn a_restart_keeps_every_secret() {
    let dir = tempfile::tempdir().unwrap();
    let read = || {
        ["master.key", "credentials", "tls/ca.pem", "tls/cert.pem"]
            .map(|name| std::fs::read(dir.path().join(name)).unwrap())
    };
    drop(Server::start(dir.path(), &[])); // killed, not drained
    let before = read();
    drop(Server::start(dir.path(), &[]));
    assert_eq!(read(), before);
}

#[test]
fn a_second_server_is_refused_with_the_first_ones_pid() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let mut command = strongroom(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    let (code, stdout, stderr) = transcript(command.arg(dir.path()));
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains(&format!("another server (pid {})", server.pid())), "{stderr}");
    assert!(stderr.contains("--data-dir"), "{stderr}");
}

#[test]
fn ready_is_answered_over_verified_tls_and_plainly_where_asked() {
    let dir = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(dir.path(), &["--http-listen", &free.to_string()]);
    let answer = get(server.connect().unwrap(), "/-/ready");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(get(server.connect().unwrap(), "/-/else").starts_with("HTTP/1.1 404"));
    assert!(get(TcpStream::connect(free).unwrap(), "/-/ready").starts_with("HTTP/1.1 200"));
}

#[test]
fn unsigned_requests_meet_the_service_behind_the_listener() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let answer = get(server.connect().unwrap(), "/vault/file");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("<Code>NoSuchBucket</Code>"), "{answer}");
}

#[test]
fn a_client_that_sends_all_before_it_reads_learns_why_it_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let server = Server::start(scratch.path(), &[]);
    let mut stream = server.connect().unwrap();
    let (blocks, block) = (64, vec![7; 1 << 20]);
    let length = blocks * block.len();
    let head =
        format!("PUT /vault/file HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..blocks {
        stream.write_all(&block).unwrap(); // a reset connection would be a broken pipe here
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("connection: close") && answer.contains("NoSuchBucket"), "{answer}");
}

#[test]
fn sigterm_drains_and_exits_0() {
    for signal in ["TERM", "INT"] {
        let dir = tempfile::tempdir().unwrap();
        let mut server = Server::start(dir.path(), &[]);
        let idle = server.connect().unwrap();
        server.signal(signal);
        let status = server.wait();
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{signal}");
        assert!(TcpStream::connect(server.address).is_err());
        assert!(!dir.path().join("admin.sock").exists());
        drop(idle);
    }
}

#[test]
fn sighup_reads_the_certificate_again() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    drop(Server::start(other.path(), &[]));
    let server = Server::start(dir.path(), &[]);
    let new_ca = other.path().join("tls/ca.pem");
    assert!(connect(server.address, &new_ca).is_err(), "another CA is not trusted yet");
    for name in ["tls/cert.pem", "tls/key.pem"] {
        std::fs::copy(other.path().join(name), dir.path().join(name)).unwrap();
    }
    server.signal("HUP");
    let deadline = Instant::now() + Duration::from_secs(10);
    while connect(server.address, &new_ca).is_err() {
        assert!(Instant::now() < deadline, "the new certificate is not served");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_slow_head_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--header-timeout-seconds", "1"]);
    let mut stream = server.connect().unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: loc").unwrap();
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!((1..5).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[test]
fn connections_above_the_ceiling_wait_for_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--connections-max", "2"]);
    let held = [server.connect().unwrap(), server.connect().unwrap()];
    let third = TcpStream::connect(server.address).unwrap();
    third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    // A server that took the connection would answer garbage with a TLS alert at once.
    (&third).write_all(b"this is no client hello").unwrap();
    let mut byte = [0; 1];
    let waited = (&third).read(&mut byte).unwrap_err().kind();
    assert!(matches!(waited, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
    drop(held);
    assert!(get(server.connect().unwrap(), "/-/ready").starts_with("HTTP/1.1 200"));
}

#[test]
fn core_dumps_are_forbidden() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid()));
    // Where the attribute hides even this file from its own user, it does its work.
    if let Ok(limits) = limits {
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}

#[test]
fn a_closed_stdout_ends_no_server() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "'{}' serve --listen 127.0.0.1:0 --data-dir '{}' 2>'{}' | true",
        env!("CARGO_BIN_EXE_strongroom"),
        dir.path().join("data").display(),
        dir.path().join("log").display()
    );
    let mut shell = std::process::Command::new("sh").args(["-c", &script]).spawn().unwrap();
    let socket = dir.path().join("data/admin.sock");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !socket.exists() {
        assert!(Instant::now() < deadline, "the server did not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(200));
    let pid = std::fs::read_to_string(dir.path().join("data/serve.lock")).unwrap();
    let stop = std::process::Command::new("kill").args(["-TERM", pid.trim()]).status().unwrap();
    assert!(stop.success(), "the server still runs");
    assert!(shell.wait().unwrap().success());
}
