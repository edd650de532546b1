//! Commands, what they print and how they exit.

use crate::rig::{Server, strongroom, transcript};

#[test]
fn wrong_usage_exits_2() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    std::fs::write(&config, "regoin = 'x'").unwrap();
    let config = config.to_str().unwrap();
    for arguments in [
        &["serve", "--no-such-flag"][..],
        &["serve", "--listen", "nowhere"],
        &["serve", "--tls-cert", "only.pem"],
        &["serve", "--config", config],
        &["serve", "--log", "what=ever=this"],
        &["user"],
        &["user", "add", "x", "--access-key", "alone"],
        &["key", "add"],
        &["key", "add", "x", "--access-key", "alone"],
        &["migrate", "--from", "strongroom-data"],
        &[],
    ] {
        let (code, stdout, stderr) = transcript(strongroom(arguments).current_dir(dir.path()));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(!stderr.is_empty());
    }
    assert!(!dir.path().join("strongroom-data").exists());
}

#[test]
fn help_and_version_exit_0() {
    for arguments in [
        &["--version"][..],
        &["serve", "--help"],
        &["user", "add", "--help"],
        &["key", "add", "--help"],
        &["migrate", "--help"],
    ] {
        let (code, stdout, _) = transcript(&mut strongroom(arguments));
        assert_eq!(code, Some(0), "{arguments:?}");
        assert!(!stdout.is_empty());
    }
}

#[test]
fn help_hides_a_secret_of_the_environment() {
    let mut command = strongroom(&["user", "add", "--help"]);
    let (_, stdout, _) =
        transcript(command.env("STRONGROOM_USER_SECRET_KEY", "hush-hush-hush-hush"));
    assert!(stdout.contains("STRONGROOM_USER_SECRET_KEY") && !stdout.contains("hush"), "{stdout}");
}

#[test]
fn a_port_in_use_names_itself_and_the_flag() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = dir.path().join("data");
    let mut command = strongroom(&["serve", "--listen", &address, "--data-dir"]);
    let (code, _, stderr) = transcript(command.arg(data));
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&format!("cannot listen on {address}")), "{stderr}");
    assert!(stderr.contains("--listen"), "{stderr}");
}

#[test]
fn half_of_roots_credentials_is_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = strongroom(&["serve", "--listen", "127.0.0.1:0"]);
    command.current_dir(dir.path()).env("STRONGROOM_ROOT_SECRET_KEY", "hush-hush-hush-hush");
    let (code, _, stderr) = transcript(&mut command);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("STRONGROOM_ROOT_ACCESS_KEY") && !stderr.contains("hush"), "{stderr}");
}

#[test]
fn users_of_no_data_directory_are_a_clear_refusal() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, stderr) = transcript(strongroom(&["user", "list"]).current_dir(dir.path()));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("is no data directory"), "{stderr}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is made");
}

#[test]
fn users_are_managed_beside_a_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let user = |arguments: &[&str]| {
        let mut command = strongroom(&["user", "--data-dir"]);
        transcript(command.arg(&server.data).args(arguments))
    };
    let (code, stdout, stderr) = user(&["add", "alice", "--email", "alice@example.com"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("[alice]\naws_access_key_id = SR"), "{stdout}");
    let (code, _, stderr) = user(&["add", "alice"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("there is a user \"alice\" already"), "{stderr}");
    let (_, stdout, _) = user(&["list"]);
    assert!(stdout.starts_with("alice\t") && stdout.ends_with("\talice@example.com\n"), "{stdout}");
    assert_eq!(user(&["remove", "alice"]), (Some(0), "removed alice\n".into(), String::new()));
    assert_eq!(user(&["remove", "alice"]).0, Some(1));
}

#[test]
fn users_are_managed_while_no_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), &[]);
    server.signal("TERM");
    assert!(server.wait().success());
    let mut command = strongroom(&["user", "add", "bob", "--data-dir"]);
    let (code, stdout, stderr) = transcript(command.arg(dir.path()));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("[bob]\n"), "{stdout}");
    let _server = Server::start(dir.path(), &[]);
    let mut command = strongroom(&["user", "list", "--data-dir"]);
    let (_, stdout, _) = transcript(command.arg(dir.path()));
    assert!(stdout.starts_with("bob\t"), "the next server knows it: {stdout}");
}

#[test]
fn roots_access_key_is_nobody_elses_beside_a_server_or_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), &[]);
    let credentials = std::fs::read_to_string(dir.path().join("credentials")).unwrap();
    let mut lines = credentials.lines();
    let root = lines.find_map(|line| line.strip_prefix("aws_access_key_id = ")).unwrap();
    let add = |arguments: &[&str], id: &str| {
        let pair = ["--access-key", id, "--secret-key", "own-secret-own-secret"];
        let mut command = strongroom(arguments);
        transcript(command.args(pair).arg("--data-dir").arg(dir.path()))
    };
    assert_eq!(add(&["user", "add", "alice"], "own-key").0, Some(0));
    let refused = || {
        for arguments in [&["user", "add", "bob"], &["key", "add", "alice"]] {
            let (code, _, stderr) = add(arguments, root);
            assert_eq!(code, Some(1), "{arguments:?}");
            assert!(stderr.contains("access key"), "{stderr}");
        }
    };
    refused();
    server.signal("TERM");
    assert!(server.wait().success());
    refused();
}

#[test]
fn a_store_moves_to_another_directory_and_only_while_it_is_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    let migrate = |from: &std::path::Path, to: &std::path::Path| {
        transcript(strongroom(&["migrate", "--from"]).arg(from).arg("--to").arg(to))
    };
    let mut server = Server::start(&old, &[]);
    let mut add = strongroom(&["user", "add", "bob", "--data-dir"]);
    assert_eq!(transcript(add.arg(&old)).0, Some(0));
    let (code, _, stderr) = migrate(&old, &new);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("another server"), "{stderr}");
    server.signal("TERM");
    assert!(server.wait().success());
    let (code, _, stderr) = migrate(&old, &old);
    assert_eq!(code, Some(2), "{stderr}");
    let (code, stdout, stderr) = migrate(&old, &new);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.ends_with("migrated\n") && stdout.contains("crc64"), "{stdout}");
    for name in ["master.key", "credentials", "tls/ca.pem", "tls/key.pem"] {
        let read = |data: &std::path::Path| std::fs::read(data.join(name)).unwrap();
        assert_eq!(read(&old), read(&new), "{name}");
        assert_eq!(crate::rig::mode(&new.join(name)), 0o600);
    }
    let _server = Server::start(&new, &[]);
    let mut list = strongroom(&["user", "list", "--data-dir"]);
    let (_, stdout, _) = transcript(list.arg(&new));
    assert!(stdout.starts_with("bob\t"), "{stdout}");
}

#[test]
fn blobs_are_served_with_their_own_catalog_only() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let serve = |data: &std::path::Path| {
        let mut command = strongroom(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        transcript(command.arg(data))
    };
    for name in ["one", "two"] {
        let mut server = Server::start(&at(name), &[]);
        server.signal("TERM");
        assert!(server.wait().success());
    }
    let mark = |name: &str| std::fs::read_to_string(at(name).join("blobs/installation")).unwrap();
    let id = |name: &str| mark(name).trim_end().rsplit(' ').next().unwrap().to_owned();
    let (one, two) = (id("one"), id("two"));
    assert_eq!((one.len(), mark("one")), (32, format!("strongroom installation {one}\n")));
    assert_eq!(crate::rig::mode(&at("one").join("blobs/installation")), 0o600);

    // The catalog was lost.
    std::fs::rename(at("one").join("catalog"), at("lost")).unwrap();
    let (code, stdout, stderr) = serve(&at("one"));
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    let told = format!("are marked as installation {one}'s");
    assert!(stderr.contains(&told) && stderr.contains("restore that first"), "{stderr}");

    // And another one's put in its place.
    std::fs::remove_dir_all(at("one").join("catalog")).unwrap();
    std::fs::rename(at("two").join("catalog"), at("one").join("catalog")).unwrap();
    let (code, _, stderr) = serve(&at("one"));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains(&told) && stderr.contains(&format!("installation {two}'s")),
        "{stderr}"
    );

    // And the right one, while what it was stored on is not there.
    std::fs::remove_dir_all(at("one").join("catalog")).unwrap();
    std::fs::rename(at("lost"), at("one").join("catalog")).unwrap();
    std::fs::rename(at("one").join("blobs"), at("unmounted")).unwrap();
    let (code, _, stderr) = serve(&at("one"));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("they carry no mark") && stderr.contains("is mounted"), "{stderr}");
    std::fs::remove_dir_all(at("one").join("blobs")).unwrap();
    std::fs::rename(at("unmounted"), at("one").join("blobs")).unwrap();
    let _server = Server::start(&at("one"), &[]);
}

#[test]
fn keys_are_rotated_beside_a_running_server_and_listed_without_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), &[]);
    let key = |arguments: &[&str]| {
        transcript(strongroom(&["key", "--data-dir"]).arg(dir.path()).args(arguments))
    };
    let own = ["--access-key", "own-key", "--secret-key", "own-secret-own-secret"];
    let mut command = strongroom(&["user", "add", "alice", "--data-dir"]);
    assert_eq!(transcript(command.arg(dir.path()).args(own)).0, Some(0));
    let (code, stdout, stderr) = key(&["add", "alice"]);
    assert_eq!(code, Some(0), "{stderr}");
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!((lines[0], lines.len()), ("[alice]", 3), "{stdout}");
    let next = lines[1].strip_prefix("aws_access_key_id = ").unwrap();
    let secret = lines[2].strip_prefix("aws_secret_access_key = ").unwrap();
    assert_eq!(key(&["disable", "own-key"]).1, "disabled own-key\n");
    let (code, listed, stderr) = key(&["list"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(listed, format!("{next}\talice\tenabled\nown-key\talice\tdisabled\n"));
    assert!(!listed.contains(secret));
    let (code, _, stderr) = key(&["add", "alice", own[0], own[1], own[2], own[3]]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("there is this access key already"), "{stderr}");
    assert_eq!(key(&["add", "eve"]).0, Some(1));
    server.signal("TERM");
    assert!(server.wait().success());
    assert_eq!(key(&["enable", "own-key"]).1, "enabled own-key\n");
    assert_eq!(key(&["remove", next]).1, format!("removed {next}\n"));
    assert_eq!(key(&["remove", next]).0, Some(1));
    assert_eq!(key(&["list", "alice"]).1, "own-key\talice\tenabled\n");
    assert_eq!(key(&["list", "eve"]).0, Some(1));
}

#[test]
fn named_keys_are_managed_beside_a_running_server_and_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), &[]);
    let kms = |arguments: &[&str]| {
        let mut command = strongroom(&["kms", "--data-dir"]);
        transcript(command.arg(dir.path()).args(arguments))
    };
    let done = |text: &str| (Some(0), text.to_owned(), String::new());
    assert_eq!(kms(&["add", "finance"]), done("added finance\n"));
    assert_eq!(kms(&["disable", "finance"]), done("disabled finance\n"));
    for (arguments, why) in [
        (&["add", "finance"][..], "there is a key \"finance\" already"),
        (&["add", "aws/x"], "names that begin with aws/"),
        (&["add", "a b"], "letters, digits or /_-"),
        (&["enable", "sales"], "there is no key \"sales\""),
        (&["remove", "finance"], "--force"),
    ] {
        let (code, _, stderr) = kms(arguments);
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(stderr.contains(why), "{stderr}");
    }
    server.signal("TERM");
    assert!(server.wait().success());
    let (_, stdout, _) = kms(&["list"]);
    assert!(stdout.starts_with("finance\tdisabled\t"), "{stdout}");
    assert_eq!(kms(&["enable", "finance"]), done("enabled finance\n"));
    let _server = Server::start(dir.path(), &[]);
    assert_eq!(kms(&["remove", "finance", "--force"]), done("removed finance\n"));
    assert_eq!(kms(&["list"]), done(""));
}
