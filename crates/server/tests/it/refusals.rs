//! What a refused client sees that is still sending.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use crate::rig::Server;

/// An unsigned PUT of 5,000 bytes, which is refused from its head alone.
const HEAD: &str = "PUT /vault/file HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\n";

#[test]
fn what_a_refused_client_is_sending_is_taken_before_the_connection_closes() {
    let dir = tempfile::tempdir().unwrap();
    let plain = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _server = Server::start(dir.path(), &["--http-listen", &plain.to_string()]);
    let mut stream = TcpStream::connect(plain).unwrap();
    stream.write_all(HEAD.as_bytes()).unwrap();
    stream.write_all(b"\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let early = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(early.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{early}");
    stream.write_all(&[0; 5_000]).unwrap();
    stream.set_read_timeout(None).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
    // The connection is good for another request.
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains("connection: close"));
    stream.write_all(b"GET /-/ready HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[test]
fn who_asks_first_is_refused_without_being_asked_for_the_body() {
    let dir = tempfile::tempdir().unwrap();
    let plain = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _server = Server::start(dir.path(), &["--http-listen", &plain.to_string()]);
    let mut stream = TcpStream::connect(plain).unwrap();
    stream.write_all(format!("{HEAD}expect: 100-continue\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("connection: close"), "closed without a word: {answer}");
}
