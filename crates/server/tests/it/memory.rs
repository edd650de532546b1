//! The memory of a running server, looked at from outside while a connection stays open.
//!
//! Guarantees: each look is shown to find the key while its request is under way, before it must find
//! nothing. Needs the right to read another process's memory, which a server refuses to all but root;
//! says so loudly where it is missing. Does not: know derived keys; the memory lane does.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::unix::fs::FileExt as _,
    time::{Duration, Instant},
};

use crate::rig::{Secure, Server};

/// Base64 of 32 bytes, in no binary.
const KEY: &str = "c29tZSBjdXN0b21lcidzIGtleSBmb3IgdGhpcyB0ZXM=";
const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
const KEY_NAME: &str = "x-amz-server-side-encryption-customer-key";

#[test]
fn a_key_is_gone_with_its_request_while_the_connection_stays() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    if copies_of(KEY, server.pid()).is_none() {
        eprintln!("skipped: no right to read another process's memory (run as root)");
        return;
    }
    let in_header = format!(
        "GET /vault/file HTTP/1.1\r\nhost: h\r\n{ALGORITHM}: AES256\r\n{KEY_NAME}: {KEY}\r\n"
    );
    let in_query =
        format!("GET /vault/file?{ALGORITHM}=AES256&{KEY_NAME}={KEY} HTTP/1.1\r\nhost: h\r\n");
    let mut stream = server.connect().unwrap();
    for head in [&in_header, &in_query, &in_header] {
        stream.write_all(head.as_bytes()).unwrap();
        wait_until(|| copies_of(KEY, server.pid()) > Some(0), "the look sees a key that is there");
        stream.write_all(b"\r\n").unwrap();
        assert_eq!(status_of_answer(&mut stream), 404, "{head}");
        wait_until(|| copies_of(KEY, server.pid()) == Some(0), "the key is gone");
    }
    stream.write_all(b"GET /-/ready HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    assert_eq!(status_of_answer(&mut stream), 200, "the connection was open all the while");
}

/// What the server does after its answer may take a moment.
fn wait_until(holds: impl Fn() -> bool, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "not within ten seconds: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Reads one answer to its end.
fn status_of_answer(stream: &mut Secure) -> u16 {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap().to_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    stream.read_exact(&mut vec![0; length]).unwrap();
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// How often a text stands in a process's memory; `None` without the right to look.
fn copies_of(text: &str, pid: u32) -> Option<usize> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let readable = maps.lines().filter(|line| line.split(' ').nth(1).unwrap().starts_with('r'));
    Some(readable.map(|line| copies_in(text.as_bytes(), line, &memory)).sum())
}

/// In one stretch of it, read in blocks that overlap by as much as the text is long.
fn copies_in(text: &[u8], line: &str, memory: &File) -> usize {
    let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
    let [mut at, end] = [start, end].map(|hex| u64::from_str_radix(hex, 16).unwrap());
    let (mut block, unused) = (vec![0; BLOCK_BYTES], vec![0; BLOCK_BYTES]);
    let mut found = 0;
    while at < end {
        let wanted = usize::try_from(end - at).unwrap().min(BLOCK_BYTES);
        // The kernel's own pages cannot be read.
        let Ok(read @ 1..) = memory.read_at(&mut block[..wanted], at) else { break };
        // Most of what an allocator has reserved was never used; comparing it is quick.
        let is_unused = block[..read] == unused[..read];
        let mut rest = if is_unused { &[][..] } else { &block[..read] };
        while let Some(first) = rest.iter().position(|byte| *byte == text[0]) {
            found += usize::from(rest[first..].starts_with(text));
            rest = &rest[first + 1..];
        }
        at += if read == BLOCK_BYTES { (read - text.len() + 1) as u64 } else { read as u64 };
    }
    found
}

/// Read at once.
const BLOCK_BYTES: usize = 64 << 10;
