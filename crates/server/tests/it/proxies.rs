//! Behind a proxy that ends TLS: whose word counts that a customer's key travelled encrypted.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
};

use crate::rig::{Server, strongroom, transcript};

const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm: AES256\r\n";
/// E1.
const INSECURE: &str = "must be made over a secure connection.";

/// A server that listens without TLS too, and where.
fn plain_server(data: &std::path::Path, arguments: &[&str]) -> (Server, SocketAddr) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = free.to_string();
    let arguments = [&["--http-listen", address.as_str()], arguments].concat();
    (Server::start(data, &arguments), free)
}

/// The answer to an unsigned request with an SSE-C header and these.
fn asked(mut stream: impl Read + Write, headers: &str) -> String {
    let head = format!(
        "GET /vault/file HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{ALGORITHM}{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A server may close without TLS's own farewell.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[track_caller]
fn is_secure(answer: &str) -> bool {
    let refused = answer.starts_with("HTTP/1.1 400") && answer.contains(INSECURE);
    // What an unsigned request gets once its transport is no objection.
    let passed = answer.starts_with("HTTP/1.1 404") && answer.contains("NoSuchBucket");
    assert!(refused != passed, "{answer}");
    passed
}

#[test]
fn one_exact_https_from_the_trusted_peer_counts() {
    let dir = tempfile::tempdir().unwrap();
    let trusting = ["--trusted-proxy", "127.0.0.9", "--trusted-proxy", "127.0.0.1"];
    let (_server, plain) = plain_server(dir.path(), &trusting);
    let ask = |headers: &str| is_secure(&asked(TcpStream::connect(plain).unwrap(), headers));
    for yes in ["x-forwarded-proto: https\r\n", "X-FORWARDED-PROTO:https\r\n"] {
        assert!(ask(yes), "{yes}");
    }
    for no in [
        "",
        "x-forwarded-proto: http\r\n",
        "x-forwarded-proto: HTTPS\r\n",
        "x-forwarded-proto:\r\n",
        "x-forwarded-proto: https,https\r\n",
        "x-forwarded-proto: https, http\r\n",
        "x-forwarded-proto: http, https\r\n",
        "x-forwarded-proto: https\r\nx-forwarded-proto: https\r\n",
        "x-forwarded-proto: https\r\nx-forwarded-proto: http\r\n",
        "x-forwarded-proto: httpss\r\n",
        "forwarded: proto=https\r\n",
        "x-forwarded-ssl: on\r\n",
        "x-forwarded-scheme: https\r\n",
    ] {
        assert!(!ask(no), "{no}");
    }
}

#[test]
fn nobody_is_trusted_unless_told_so_and_none_for_another() {
    for arguments in [[].as_slice(), &["--trusted-proxy", "127.0.0.9"]] {
        let dir = tempfile::tempdir().unwrap();
        let (server, plain) = plain_server(dir.path(), arguments);
        let forwarded = "x-forwarded-proto: https\r\nx-forwarded-for: 127.0.0.9\r\n";
        assert!(!is_secure(&asked(TcpStream::connect(plain).unwrap(), forwarded)), "{arguments:?}");
        // Over our own TLS nobody's word is needed, and none takes it back.
        let said = asked(server.connect().unwrap(), "x-forwarded-proto: http\r\n");
        assert!(is_secure(&said), "{arguments:?}");
    }
}

#[test]
fn a_proxy_is_an_address() {
    for bad in ["localhost", "10.0.0.0/8", "*"] {
        let dir = tempfile::tempdir().unwrap();
        let mut command = strongroom(&["serve", "--listen", "127.0.0.1:0", "--trusted-proxy", bad]);
        let (code, _, stderr) = transcript(command.arg("--data-dir").arg(dir.path()));
        assert_eq!(code, Some(2), "{bad}: {stderr}");
        assert!(stderr.contains("--trusted-proxy"), "{stderr}");
    }
}
