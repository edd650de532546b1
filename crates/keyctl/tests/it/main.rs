//! Transcripts of the binary: exit code, stdout, stderr, files.

#![expect(clippy::unwrap_used, reason = "all of this crate is tests")]

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

fn strongkey(dir: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongkey"));
    let output = command.args(arguments).current_dir(dir).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn done(stdout: &str) -> (Option<i32>, String, String) {
    (Some(0), stdout.to_owned(), String::new())
}

#[test]
fn a_generated_file_is_private_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(strongkey(dir.path(), &["generate", "--out", "key.bin"]), done(""));
    let path = dir.path().join("key.bin");
    let key = std::fs::read(&path).unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let (code, stdout, stderr) = strongkey(dir.path(), &["generate", "--out", "key.bin"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("the file exists"), "{stderr}");
    assert_eq!(std::fs::read(&path).unwrap(), key);
}

#[test]
fn a_key_is_printed_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(strongkey(dir.path(), &["generate"]).0, Some(2));
    let (code, first, _) = strongkey(dir.path(), &["generate", "--base64"]);
    assert_eq!((code, first.len()), (Some(0), 45));
    assert_ne!(strongkey(dir.path(), &["generate", "--base64"]).1, first);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    std::fs::write(dir.path().join("key.txt"), first).unwrap();
    assert_eq!(strongkey(dir.path(), &["md5", "key.txt"]).1.len(), 25);
}

#[test]
fn md5_and_headers_are_what_requests_carry() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), "0123456789abcdef0123456789abcdef").unwrap();
    assert_eq!(strongkey(dir.path(), &["md5", "key"]), done("hRasmdxgYDKV3nvbahU1MA==\n"));
    let (code, stdout, stderr) = strongkey(dir.path(), &["headers", "key"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        stdout,
        "x-amz-server-side-encryption-customer-algorithm: AES256\n\
         x-amz-server-side-encryption-customer-key: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n\
         x-amz-server-side-encryption-customer-key-MD5: hRasmdxgYDKV3nvbahU1MA==\n"
    );
    assert!(stderr.contains("warning") && !stderr.contains("MDEy"), "{stderr}");
}

#[test]
fn what_is_no_key_is_refused_without_showing_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("short"), "only-31-bytes-of-secret-in-here").unwrap();
    for command in ["md5", "headers"] {
        let (code, stdout, stderr) = strongkey(dir.path(), &[command, "short"]);
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert!(stderr.contains("is not a key") && !stderr.contains("secret"), "{stderr}");
        assert_eq!(strongkey(dir.path(), &[command, "absent"]).0, Some(1));
    }
}
