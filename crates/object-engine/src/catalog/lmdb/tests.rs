//! What only an engine with a disk can show, and the contract's suite.

use std::process::{Command, Stdio};
use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::catalog::{Expect, contract};

const SMALL_MAP_BYTES: usize = 64 << 20;

fn options(map_bytes: usize) -> LmdbOptions {
    let on_fatal: OnFatal = Arc::new(|detail| panic!("unknown outcome: {detail}"));
    LmdbOptions { map_bytes, on_fatal, ..LmdbOptions::default() }
}

fn open(directory: &TempDir) -> LmdbCatalog {
    LmdbCatalog::open(directory.path(), options(SMALL_MAP_BYTES)).unwrap()
}

fn index(key: &str) -> Key {
    Key { space: Space::Index, bytes: key.as_bytes().to_vec() }
}

fn put(key: &str, value: impl Into<Bytes>) -> Commit {
    let mut commit = Commit::default();
    commit.put(index(key), value);
    commit
}

async fn value(catalog: &LmdbCatalog, key: &str) -> Result<Option<Bytes>, CatalogError> {
    let answer = catalog.read(&[Read::Get(index(key))]).await?.remove(0);
    Ok(answer.map(|(_, entry)| entry.value))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds() {
    let mut directories = Vec::new();
    contract::holds(|| {
        let directory = tempfile::tempdir().unwrap();
        let catalog = open(&directory);
        directories.push(directory);
        Arc::new(catalog)
    })
    .await;
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let mut last = Stamp(0);
    for round in 0..3 {
        let catalog = open(&directory);
        for earlier in 0..round {
            let found = value(&catalog, &format!("{earlier}")).await.unwrap();
            assert_eq!(found.as_deref(), Some(&b"value"[..]));
        }
        let stamp = catalog.commit(put(&format!("{round}"), "value")).await.unwrap();
        assert!(stamp > last, "stamps grow across restarts");
        last = stamp;
    }
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_is_still_made_before_closing() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = open(&directory);
    let mut commit = catalog.commit(put("a", "value"));
    let polled = std::future::poll_fn(|context| {
        std::task::Poll::Ready(commit.as_mut().poll(context).is_pending())
    });
    let _pending = polled.await;
    drop(commit);
    drop(catalog);
    assert!(value(&open(&directory), "a").await.unwrap().is_some());
}

#[tokio::test]
async fn it_is_opened_once_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(&directory);
    let second = LmdbCatalog::open(directory.path(), options(SMALL_MAP_BYTES));
    assert!(matches!(second, Err(OpenError::AlreadyOpen)));
    drop(first);
    open(&directory);
}

#[tokio::test]
async fn a_missing_directory_is_made_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("catalog");
    let catalog = LmdbCatalog::open(&path, options(SMALL_MAP_BYTES)).unwrap();
    catalog.commit(put("a", "")).await.unwrap();
    for (path, mode) in [(path.clone(), 0o700), (path.join("data.mdb"), 0o600)] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode, "{path:?}");
    }
}

/// Writes to the root or a tree behind the catalog's back.
fn tamper(directory: &TempDir, tree: Option<&str>, key: &[u8], change: impl Fn(&mut Vec<u8>)) {
    let map =
        memory::lmdb::MapOptions { map_bytes: SMALL_MAP_BYTES, readers_max: 8, databases_max: 3 };
    let env = memory::lmdb::map_lmdb(directory.path(), &map).unwrap();
    let mut txn = env.write_txn().unwrap();
    let tree: trees::Tree = env.create_database(&mut txn, tree).unwrap();
    let mut record = tree.get(&txn, key).unwrap().unwrap_or_default().to_vec();
    change(&mut record);
    tree.put(&mut txn, key, &record).unwrap();
    txn.commit().unwrap();
}

#[tokio::test]
async fn a_damaged_record_is_reported_and_never_returned() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = open(&directory);
    let stamp = catalog.commit(put("b", "value")).await.unwrap();
    catalog.commit(put("a", "sound")).await.unwrap();
    drop(catalog);
    tamper(&directory, Some("index"), b"b", |record| *record.last_mut().unwrap() ^= 1);

    let catalog = open(&directory);
    let damaged =
        |result| matches!(result, Err(CatalogError::Damaged { key, .. }) if key == "Index/b");
    assert!(damaged(value(&catalog, "b").await.map(drop)));
    assert!(damaged(catalog.read(&[Read::First(index("b"))]).await.map(drop)));
    let mut seen = Vec::new();
    let mut visitor = |key: &[u8], _: Stamp, _: &[u8]| {
        seen.push(key.to_vec());
        Step::Next
    };
    assert!(damaged(catalog.walk(Space::Index, b"", Direction::Forward, &mut visitor).await));
    assert_eq!(seen, [b"a"], "the records before it are seen");

    let mut swap = put("b", "new");
    swap.check(index("b"), Expect::Stamp(stamp));
    let answer = catalog.commit(swap).await;
    assert!(matches!(&answer, Err(CommitError::Unavailable(why)) if why.contains("damaged")));
    catalog.commit(put("b", "new")).await.expect("it can be overwritten by intent");
    assert!(value(&catalog, "b").await.is_ok());
}

#[tokio::test]
async fn an_unknown_schema_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory));
    let future = |record: &mut Vec<u8>| {
        record.clear();
        record::encode(record, b"!schema", Stamp(0), &7_u32.to_be_bytes()).unwrap();
    };
    tamper(&directory, None, b"!schema", future);
    for _ in 0..2 {
        let error = LmdbCatalog::open(directory.path(), options(SMALL_MAP_BYTES)).unwrap_err();
        let said = "the catalog has schema version 7; this program knows [1]";
        assert_eq!(error.to_string(), said);
    }
}

#[tokio::test]
async fn a_damaged_or_foreign_root_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory));
    tamper(&directory, None, b"!stamp", |record| record.extend(b"not a record"));
    let error = LmdbCatalog::open(directory.path(), options(SMALL_MAP_BYTES)).unwrap_err();
    assert!(matches!(error, OpenError::Damaged(_)), "{error}");

    let foreign = tempfile::tempdir().unwrap();
    tamper(&foreign, Some("somebody's"), b"key", |_| {});
    let error = LmdbCatalog::open(foreign.path(), options(SMALL_MAP_BYTES)).unwrap_err();
    assert!(matches!(error, OpenError::NotACatalog), "{error}");
}

#[tokio::test]
async fn a_full_map_changes_nothing_and_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = LmdbCatalog::open(directory.path(), options(1 << 20)).unwrap();
    let mut kept = Vec::new();
    let full = loop {
        let key = format!("{:04}", kept.len());
        match catalog.commit(put(&key, vec![7; 16_400])).await {
            Ok(_) => kept.push(key),
            Err(error) => break error,
        }
        assert!(kept.len() < 64, "more was acknowledged than the map can hold");
    };
    assert_eq!(full, CommitError::Full);
    assert!(kept.len() > 30, "{} of 16 KiB fit into 1 MiB", kept.len());
    for key in &kept {
        assert_eq!(value(&catalog, key).await.unwrap().unwrap(), vec![7; 16_400]);
    }
    assert_eq!(value(&catalog, &format!("{:04}", kept.len())).await, Ok(None));

    let mut delete = Commit::default();
    for key in &kept[..4] {
        delete.delete(index(key));
    }
    catalog.commit(delete).await.expect("a full catalog can be emptied");
    catalog.commit(put("again", vec![8; 16_400])).await.expect("there is room again at once");
    assert_eq!(catalog.commit(put("never", vec![8; 1 << 20])).await, Err(CommitError::Full));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_does_not_fit_fails_alone() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = Arc::new(LmdbCatalog::open(directory.path(), options(4 << 20)).unwrap());
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let catalog = Arc::clone(&catalog);
            tokio::spawn(async move {
                let bytes = if n % 8 == 0 { 8 << 20 } else { 100 };
                (n, catalog.commit(put(&format!("{n}"), vec![1; bytes])).await)
            })
        })
        .collect();
    for task in tasks {
        let (n, answer) = task.await.unwrap();
        assert_eq!(answer.is_ok(), n % 8 != 0, "{n}: {answer:?}");
        assert_eq!(value(&catalog, &format!("{n}")).await.unwrap().is_some(), n % 8 != 0);
    }
}

#[test]
fn debug_prints_neither_keys_nor_values() {
    let directory = tempfile::tempdir().unwrap();
    let printed = format!("{:?}", open(&directory));
    assert!(printed.starts_with("LmdbCatalog { path: "), "{printed}");
}

// The child processes below are this test binary itself, told by a variable to run one test.

const CHILD_DIRECTORY: &str = "CATALOG_TEST_CHILD_DIRECTORY";

fn child(test: &str, directory: &TempDir, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{shell} exec \"$0\" --exact {test} --nocapture --test-threads=1")])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD_DIRECTORY, directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// In the child: commits for longer than it is let live, and says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn child_that_commits_until_it_dies() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else { return };
    let catalog = LmdbCatalog::open(Path::new(&directory), LmdbOptions::default()).unwrap();
    let catalog = Arc::new(catalog);
    let says = Arc::new(Mutex::new(std::io::stdout()));
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (catalog, says) = (Arc::clone(&catalog), Arc::clone(&says));
            tokio::spawn(async move {
                for n in 0..5_000 {
                    let key = format!("{task}/{n}");
                    catalog.commit(put(&key, key.repeat(500))).await.unwrap();
                    use std::io::Write;
                    let mut says = says.lock().unwrap();
                    writeln!(says, "acked {key}").unwrap();
                    says.flush().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn acked_are_there(directory: &TempDir, said: &str) -> usize {
    let catalog = LmdbCatalog::open(directory.path(), LmdbOptions::default()).unwrap();
    // The last line may be cut off by the child's end.
    let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let acked: Vec<_> = whole.lines().filter_map(|line| line.strip_prefix("acked ")).collect();
    for key in &acked {
        let found = value(&catalog, key).await.unwrap();
        assert_eq!(found.as_deref(), Some(key.repeat(500).as_bytes()), "acknowledged, but lost");
    }
    catalog.commit(put("after", "")).await.expect("it goes on");
    acked.len()
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    const TEST: &str = "catalog::lmdb::tests::child_that_commits_until_it_dies";
    for milliseconds in [150, 400, 700] {
        let directory = tempfile::tempdir().unwrap();
        let mut running = child(TEST, &directory, "").spawn().unwrap();
        let mut out = running.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            use std::io::Read;
            let mut said = String::new();
            out.read_to_string(&mut said).unwrap();
            said
        });
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        running.kill().unwrap();
        running.wait().unwrap();
        let acked = acked_are_there(&directory, &reader.join().unwrap()).await;
        assert!(acked > 0 || milliseconds < 700, "the child committed nothing");
    }
}

#[tokio::test]
async fn a_failed_write_ends_the_process_and_loses_nothing_acknowledged() {
    use std::os::unix::process::ExitStatusExt;
    const TEST: &str = "catalog::lmdb::tests::child_that_commits_until_it_dies";
    const SIGABRT: i32 = 6;
    let directory = tempfile::tempdir().unwrap();
    // A file may not grow beyond 2 MiB: the write in the middle of a commit fails. In `sh` the unit
    // is 512 bytes. The signal that would come with it is ignored, as a server would.
    let output = child(TEST, &directory, "trap '' XFSZ; ulimit -f 4096;").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(SIGABRT), "{errors}");
    let acked = acked_are_there(&directory, &String::from_utf8_lossy(&output.stdout)).await;
    assert!(acked > 0, "the child committed nothing: {errors}");
}
