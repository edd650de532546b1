//! The catalog's contract as a suite: what every engine must pass, sentence by sentence.
//!
//! Guarantees: [`holds`] panics with the sentence that does not hold. It needs a runtime of several
//! threads to put concurrent commits to the test.
//!
//! Does not: test what only an engine with a disk can show: durability, damage, a full disk. Those
//! stand with the engine.

#![expect(clippy::unwrap_used, reason = "a suite: an error that is not expected is a failed test")]

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Catalog, Commit, CommitError, Direction, Expect, KEY_BYTES_MAX, Key, Read, Space, Stamp, Step,
};

/// Runs the suite; `empty` makes a new catalog that holds nothing each time it is called.
pub async fn holds(mut empty: impl FnMut() -> Arc<dyn Catalog>) {
    reads_answer_in_order(&*empty()).await;
    first_stays_within_its_prefix(&*empty()).await;
    spaces_are_apart(&*empty()).await;
    keys_order_as_unsigned_bytes(&*empty()).await;
    walks_begin_anywhere(&*empty()).await;
    walks_seek_in_both_directions(&*empty()).await;
    walks_never_turn(&*empty()).await;
    walks_stop(&*empty()).await;
    commits_apply_wholly_or_not(&*empty()).await;
    checks_hold_or_conflict(&*empty()).await;
    stamps_grow(&*empty()).await;
    deletes_leave_nothing(&*empty()).await;
    misuse_changes_nothing(&*empty()).await;
    the_longest_keys_work(&*empty()).await;
    values_of_every_size_return(&*empty()).await;
    a_random_history_matches_an_ordered_map(&*empty()).await;
    counters_lose_no_increment(empty()).await;
    transfers_keep_the_sum(empty()).await;
    one_of_many_creates(empty()).await;
    of_two_forms_one_is_made(empty()).await;
}

async fn reads_answer_in_order(catalog: &dyn Catalog) {
    assert_eq!(catalog.read(&[]).await, Ok(vec![]), "no reads, no answers");
    let stamp = put_all(catalog, &[("a", "1"), ("b", "2")]).await;
    let reads = [get("b"), get("missing"), Read::First(index("a")), get("a"), get("")];
    let answers = catalog.read(&reads).await.unwrap();
    let found = answers.into_iter().map(|answer| {
        answer.map(|(key, entry)| {
            assert_eq!(entry.stamp, stamp);
            (text(&key), text(&entry.value))
        })
    });
    let pair = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
    let expected = [pair("b", "2"), None, pair("a", "1"), pair("a", "1"), None];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

async fn first_stays_within_its_prefix(catalog: &dyn Catalog) {
    let first = async |prefix: &str| {
        let answer = catalog.read(&[Read::First(index(prefix))]).await.unwrap().remove(0);
        answer.map(|(key, _)| text(&key))
    };
    assert_eq!(first("a/").await, None, "in an empty space");
    assert_eq!(first("").await, None, "in an empty space");
    put_all(catalog, &[("a", "0"), ("a/1", "1"), ("a/2", "2"), ("b", "3")]).await;
    assert_eq!(first("a/").await.as_deref(), Some("a/1"));
    assert_eq!(first("a").await.as_deref(), Some("a"), "the key that is the prefix");
    assert_eq!(first("a/3").await, None, "the next key has another prefix");
    assert_eq!(first("c").await, None, "beyond the last key");
    assert_eq!(first("").await.as_deref(), Some("a"));
}

async fn spaces_are_apart(catalog: &dyn Catalog) {
    let spaces = [Space::Index, Space::Records, Space::Inline];
    let mut commit = Commit::default();
    for space in spaces {
        commit.put(Key { space, bytes: b"key".to_vec() }, format!("{space:?}"));
    }
    catalog.commit(commit).await.unwrap();
    for space in spaces {
        let key = Key { space, bytes: b"key".to_vec() };
        let (_, entry) = catalog.read(&[Read::Get(key)]).await.unwrap().remove(0).unwrap();
        assert_eq!(text(&entry.value), format!("{space:?}"));
        let mut seen = 0;
        let mut count = |_: &[u8], _: Stamp, value: &[u8]| {
            assert_eq!(text(value), format!("{space:?}"));
            seen += 1;
            Step::Next
        };
        catalog.walk(space, b"", Direction::Forward, &mut count).await.unwrap();
        assert_eq!(seen, 1);
    }
}

async fn keys_order_as_unsigned_bytes(catalog: &dyn Catalog) {
    let ascending: [&[u8]; 8] =
        [b"\0", b"\0\0", b"\0\x01", b"a", b"a\0", b"a\xFF", b"\x7F", b"\x80\xFF"];
    let mut commit = Commit::default();
    for key in ascending.iter().rev() {
        commit.put(Key { space: Space::Index, bytes: key.to_vec() }, "");
    }
    catalog.commit(commit).await.unwrap();
    assert_eq!(walked(catalog, b"", Direction::Forward).await, ascending);
    let descending: Vec<_> = ascending.into_iter().rev().collect();
    assert_eq!(walked(catalog, b"\xFF", Direction::Backward).await, descending);
}

async fn walks_begin_anywhere(catalog: &dyn Catalog) {
    use Direction::{Backward, Forward};
    let longer_than_any = [0xFF; KEY_BYTES_MAX + 1];
    for direction in [Forward, Backward] {
        for from in [&b""[..], b"b", &longer_than_any] {
            assert!(walked(catalog, from, direction).await.is_empty(), "in an empty space");
        }
    }
    put_all(catalog, &[("b", ""), ("d", "")]).await;
    for (from, forward, backward) in [
        ("", "bd", ""),
        ("a", "bd", ""),
        ("b", "bd", "b"),
        ("c", "d", "b"),
        ("d", "d", "db"),
        ("e", "", "db"),
    ] {
        let keys = |keys: Vec<Vec<u8>>| text(&keys.concat());
        assert_eq!(keys(walked(catalog, from.as_bytes(), Forward).await), forward, "up {from}");
        assert_eq!(keys(walked(catalog, from.as_bytes(), Backward).await), backward, "down {from}");
    }
    assert_eq!(walked(catalog, &longer_than_any, Forward).await.len(), 0);
    assert_eq!(walked(catalog, &longer_than_any, Backward).await.len(), 2);
}

async fn walks_seek_in_both_directions(catalog: &dyn Catalog) {
    let keys: Vec<String> = (0..100).map(|n| format!("{:02}", n)).collect();
    let records: Vec<_> = keys.iter().map(|key| (key.as_str(), "")).collect();
    put_all(catalog, &records).await;
    // As a delimiter does: sees the first of each ten and skips the others.
    let mut seen = Vec::new();
    let mut up = |key: &[u8], _: Stamp, _: &[u8]| {
        seen.push(text(key));
        Step::Seek(vec![key[0], b'~'])
    };
    catalog.walk(Space::Index, b"15", Direction::Forward, &mut up).await.unwrap();
    assert_eq!(seen, ["15", "20", "30", "40", "50", "60", "70", "80", "90"]);

    let mut seen = Vec::new();
    let mut down = |key: &[u8], _: Stamp, _: &[u8]| {
        seen.push(text(key));
        Step::Seek(vec![key[0]])
    };
    catalog.walk(Space::Index, b"45", Direction::Backward, &mut down).await.unwrap();
    assert_eq!(seen, ["45", "39", "29", "19", "09"]);

    let mut seen = Vec::new();
    let mut exactly = |key: &[u8], _: Stamp, _: &[u8]| {
        seen.push(text(key));
        if seen.len() == 1 { Step::Seek(b"42".to_vec()) } else { Step::Stop }
    };
    catalog.walk(Space::Index, b"", Direction::Forward, &mut exactly).await.unwrap();
    assert_eq!(seen, ["00", "42"], "a seek includes its target");
}

async fn walks_never_turn(catalog: &dyn Catalog) {
    put_all(catalog, &[("a", ""), ("b", ""), ("c", "")]).await;
    for (direction, back, expected) in [
        (Direction::Forward, "a", ["a", "b", "c"]),
        (Direction::Backward, "c", ["c", "b", "a"]),
        (Direction::Forward, "", ["a", "b", "c"]),
    ] {
        let mut seen = Vec::new();
        let mut visitor = |key: &[u8], _: Stamp, _: &[u8]| {
            seen.push(text(key));
            Step::Seek(back.as_bytes().to_vec())
        };
        let from: &[u8] = if direction == Direction::Forward { b"" } else { b"z" };
        catalog.walk(Space::Index, from, direction, &mut visitor).await.unwrap();
        assert_eq!(seen, expected, "{direction:?}, seeking {back}");
    }
}

async fn walks_stop(catalog: &dyn Catalog) {
    put_all(catalog, &[("a", ""), ("b", ""), ("c", "")]).await;
    let mut seen = 0;
    let mut visitor = |_: &[u8], _: Stamp, _: &[u8]| {
        seen += 1;
        if seen == 2 { Step::Stop } else { Step::Next }
    };
    catalog.walk(Space::Index, b"", Direction::Forward, &mut visitor).await.unwrap();
    assert_eq!(seen, 2);
}

async fn commits_apply_wholly_or_not(catalog: &dyn Catalog) {
    let stamp = put_all(catalog, &[("a", "1"), ("b", "1")]).await;
    let mut both = Commit::default();
    both.check(index("a"), Expect::Stamp(stamp));
    both.check(index("b"), Expect::Stamp(Stamp(stamp.0 + 1_000)));
    both.put(index("a"), "2").delete(index("b")).put(index("c"), "2");
    assert_eq!(catalog.commit(both).await, Err(CommitError::Conflict));
    assert_eq!(value(catalog, "a").await.as_deref(), Some("1"));
    assert_eq!(value(catalog, "b").await.as_deref(), Some("1"));
    assert_eq!(value(catalog, "c").await, None);
}

async fn checks_hold_or_conflict(catalog: &dyn Catalog) {
    let create = |text: &'static str| {
        let mut commit = Commit::default();
        commit.check(index("a"), Expect::Absent).put(index("a"), text);
        commit
    };
    let first = catalog.commit(create("1")).await.unwrap();
    assert_eq!(catalog.commit(create("2")).await, Err(CommitError::Conflict), "not absent");

    let swap = |expected: Stamp, text: &'static str| {
        let mut commit = Commit::default();
        commit.check(index("a"), Expect::Stamp(expected)).put(index("a"), text);
        commit
    };
    let second = catalog.commit(swap(first, "3")).await.unwrap();
    assert_eq!(catalog.commit(swap(first, "4")).await, Err(CommitError::Conflict), "an old stamp");
    assert_eq!(value(catalog, "a").await.as_deref(), Some("3"));

    let mut only_check = Commit::default();
    only_check.check(index("a"), Expect::Stamp(second)).put(index("other"), "5");
    catalog.commit(only_check).await.expect("a check on a key that is not written");

    let mut delete = Commit::default();
    delete.check(index("a"), Expect::Stamp(second)).delete(index("a"));
    catalog.commit(delete).await.unwrap();
    assert_eq!(catalog.commit(swap(second, "6")).await, Err(CommitError::Conflict), "is gone");
    catalog.commit(create("7")).await.expect("absent again");
}

async fn stamps_grow(catalog: &dyn Catalog) {
    let mut last = Stamp(0);
    for round in 0..20 {
        let stamp = match round % 3 {
            0 => put_all(catalog, &[("a", "1"), ("b", "2")]).await,
            1 => {
                let mut delete = Commit::default();
                delete.delete(index("a"));
                catalog.commit(delete).await.unwrap()
            }
            _ => put_all(catalog, &[("c", "3")]).await,
        };
        assert!(stamp > last, "{stamp:?} after {last:?}");
        last = stamp;
    }
    let (_, entry) = catalog.read(&[get("b")]).await.unwrap().remove(0).unwrap();
    assert!(entry.stamp < last, "a record keeps the stamp of its own write");
}

async fn deletes_leave_nothing(catalog: &dyn Catalog) {
    put_all(catalog, &[("a", "1"), ("b", "2")]).await;
    let mut delete = Commit::default();
    delete.delete(index("a")).delete(index("never"));
    catalog.commit(delete).await.expect("what is not there is deleted without complaint");
    assert_eq!(value(catalog, "a").await, None);
    assert_eq!(walked(catalog, b"", Direction::Forward).await, [b"b"]);
}

async fn misuse_changes_nothing(catalog: &dyn Catalog) {
    let mut twice = Commit::default();
    twice.put(index("a"), "1").delete(index("a"));
    let mut empty_key = Commit::default();
    empty_key.put(index("a"), "1").put(index(""), "1");
    let mut long_key = Commit::default();
    long_key.put(index("a"), "1").delete(index(&"k".repeat(KEY_BYTES_MAX + 1)));
    let mut bare_absent = Commit::default();
    bare_absent.check(index("b"), Expect::Absent).put(index("a"), "1");
    for misuse in [twice, empty_key, long_key, bare_absent] {
        let answer = catalog.commit(misuse).await;
        assert!(matches!(answer, Err(CommitError::Unavailable(_))), "{answer:?}");
        assert_eq!(value(catalog, "a").await, None);
    }
}

async fn the_longest_keys_work(catalog: &dyn Catalog) {
    let long = |last: char| format!("{}{last}", "k".repeat(KEY_BYTES_MAX - 1));
    let keys: Vec<String> = ('a'..='p').map(long).collect();
    let records: Vec<_> = keys.iter().map(|key| (key.as_str(), key.as_str())).collect();
    put_all(catalog, &records).await;
    for key in &keys {
        assert_eq!(value(catalog, key).await.as_ref(), Some(key));
    }
    let seen = walked(catalog, keys[3].as_bytes(), Direction::Forward).await;
    assert_eq!(seen.len(), keys.len() - 3);
    let mut delete = Commit::default();
    delete.delete(index(&keys[5]));
    catalog.commit(delete).await.unwrap();
    assert_eq!(value(catalog, &keys[5]).await, None);
}

async fn values_of_every_size_return(catalog: &dyn Catalog) {
    // Around LMDB's pages, and around 16 KiB of plaintext with what sealing adds.
    let sizes =
        [0, 1, 700, 2_000, 2_021, 2_022, 4_084, 4_096, 16_384, 16_384 + 40, 70_000, 1 << 20];
    let bytes = |size: usize| -> Bytes { (0..size).map(|n| (n * 31 + size) as u8).collect() };
    // The second round overwrites each value with one of another size.
    for turn in [0, 5] {
        let mut written = sizes;
        written.rotate_left(turn);
        let mut commit = Commit::default();
        for (n, size) in written.into_iter().enumerate() {
            commit.put(index(&n.to_string()), bytes(size));
        }
        catalog.commit(commit).await.unwrap();
        for (n, size) in written.into_iter().enumerate() {
            let answer = catalog.read(&[get(&n.to_string())]).await.unwrap().remove(0);
            assert!(answer.unwrap().1.value == bytes(size), "a value of {size} bytes");
        }
    }
}

/// Random puts, deletes and walks beside a `BTreeMap`, from a fixed seed.
async fn a_random_history_matches_an_ordered_map(catalog: &dyn Catalog) {
    let mut model = std::collections::BTreeMap::new();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    for round in 0..60 {
        let mut commit = Commit::default();
        let keys: std::collections::BTreeSet<u64> = (0..20).map(|_| draw(150)).collect();
        for n in keys {
            let key = index(&format!("{}{n:03}", "p".repeat((n % 7) as usize * 40)));
            if draw(3) == 0 {
                model.remove(&key.bytes);
                commit.delete(key);
            } else {
                let value = Bytes::from(vec![round; draw(3_000) as usize]);
                model.insert(key.bytes.clone(), value.clone());
                commit.put(key, value);
            }
        }
        catalog.commit(commit).await.unwrap();
        let from = format!("{}{:03}", "p".repeat(draw(7) as usize * 40), draw(150)).into_bytes();
        let up: Vec<_> = model.range(from.clone()..).map(|(key, _)| key.clone()).collect();
        let down: Vec<_> = model.range(..=from.clone()).rev().map(|(key, _)| key.clone()).collect();
        assert_eq!(walked(catalog, &from, Direction::Forward).await, up, "round {round}");
        assert_eq!(walked(catalog, &from, Direction::Backward).await, down, "round {round}");
    }
    for (bytes, expected) in model {
        let key = Key { space: Space::Index, bytes };
        let (_, entry) = catalog.read(&[Read::Get(key)]).await.unwrap().remove(0).unwrap();
        assert_eq!(entry.value, expected);
    }
}

async fn counters_lose_no_increment(catalog: Arc<dyn Catalog>) {
    const TASKS: u64 = 16;
    const INCREMENTS: u64 = 25;
    put_all(&*catalog, &[("counter", "0")]).await;
    let tasks = (0..TASKS).map(|_| {
        let catalog = Arc::clone(&catalog);
        tokio::spawn(async move {
            for _ in 0..INCREMENTS {
                change_until_done(&*catalog, &["counter"], |values| values[0] += 1).await;
            }
        })
    });
    join(tasks).await;
    assert_eq!(value(&*catalog, "counter").await, Some((TASKS * INCREMENTS).to_string()));
}

/// Transfers between accounts, while another task sums them up in one snapshot again and again.
async fn transfers_keep_the_sum(catalog: Arc<dyn Catalog>) {
    const ACCOUNTS: [&str; 4] = ["a", "b", "c", "d"];
    const SUM: u64 = 400;
    put_all(&*catalog, &ACCOUNTS.map(|account| (account, "100"))).await;
    let transfers = (0..12).map(|task| {
        let catalog = Arc::clone(&catalog);
        tokio::spawn(async move {
            for n in 0..20 {
                let from = ACCOUNTS[(task + n) % 4];
                let to = ACCOUNTS[(task + n + 1 + n % 3) % 4];
                let transfer = |values: &mut [u64]| {
                    let amount = values[0].min(7);
                    values[0] -= amount;
                    values[1] += amount;
                };
                change_until_done(&*catalog, &[from, to], transfer).await;
            }
        })
    });
    let transfers: Vec<_> = transfers.collect();
    let watching = Arc::clone(&catalog);
    let watcher = tokio::spawn(async move {
        for _ in 0..200 {
            let answers = watching.read(&ACCOUNTS.map(get)).await.unwrap();
            let sum: u64 = answers.into_iter().map(|answer| number(&answer.unwrap().1.value)).sum();
            assert_eq!(sum, SUM, "one read sees one state");
            tokio::task::yield_now().await;
        }
    });
    join(transfers).await;
    watcher.await.unwrap();
    let answers = catalog.read(&ACCOUNTS.map(get)).await.unwrap();
    let sum: u64 = answers.into_iter().map(|answer| number(&answer.unwrap().1.value)).sum();
    assert_eq!(sum, SUM);
}

async fn one_of_many_creates(catalog: Arc<dyn Catalog>) {
    let creators: Vec<_> = (0..32)
        .map(|n| {
            let catalog = Arc::clone(&catalog);
            tokio::spawn(async move {
                let mut commit = Commit::default();
                commit.check(index("a"), Expect::Absent).put(index("a"), format!("{n}"));
                commit.put(index(&format!("by/{n}")), "");
                (n, catalog.commit(commit).await)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for creator in creators {
        match creator.await.unwrap() {
            (n, Ok(_)) => winners.push(n),
            (_, answer) => assert_eq!(answer, Err(CommitError::Conflict)),
        }
    }
    let [winner] = winners[..] else { panic!("{} created one key", winners.len()) };
    assert_eq!(value(&*catalog, "a").await, Some(winner.to_string()));
    let by = walked(&*catalog, b"by/", Direction::Forward).await;
    assert_eq!(by, [format!("by/{winner}").into_bytes()], "a refused commit wrote something");
}

/// Two commits want both of two keys empty; each fills one of them and says of the other that it stays so.
async fn of_two_forms_one_is_made(catalog: Arc<dyn Catalog>) {
    for round in 0..200 {
        let forms = ["h", "t"].map(|form| format!("{form}/{round}"));
        let makers: Vec<_> = (0..2)
            .map(|own| {
                let (catalog, forms) = (Arc::clone(&catalog), forms.clone());
                tokio::spawn(async move {
                    let mut commit = Commit::default();
                    for form in &forms {
                        commit.check(index(form), Expect::Absent);
                    }
                    commit.put(index(&forms[own]), "").delete(index(&forms[1 - own]));
                    catalog.commit(commit).await
                })
            })
            .collect();
        let mut made = Vec::new();
        for (maker, form) in makers.into_iter().zip(&forms) {
            match maker.await.unwrap() {
                Ok(_) => made.push(form),
                answer => assert_eq!(answer, Err(CommitError::Conflict)),
            }
        }
        let [made] = made[..] else { panic!("{} forms of one record were made", made.len()) };
        for form in &forms {
            assert_eq!(value(&*catalog, form).await.is_some(), form == made, "{form}");
        }
    }
}

/// Reads the numbers at two or fewer keys, changes them, and swaps them in; again while it conflicts.
async fn change_until_done(catalog: &dyn Catalog, keys: &[&str], change: impl Fn(&mut [u64])) {
    loop {
        let reads: Vec<_> = keys.iter().map(|key| get(key)).collect();
        let answers = catalog.read(&reads).await.unwrap();
        let found: Vec<_> = answers.into_iter().map(Option::unwrap).collect();
        let mut values: Vec<u64> = found.iter().map(|(_, entry)| number(&entry.value)).collect();
        change(&mut values);
        let mut commit = Commit::default();
        for ((key, entry), value) in found.iter().zip(values) {
            commit.check(index(&text(key)), Expect::Stamp(entry.stamp));
            commit.put(index(&text(key)), value.to_string());
        }
        match catalog.commit(commit).await {
            Ok(_) => return,
            Err(error) => assert_eq!(error, CommitError::Conflict),
        }
        tokio::task::yield_now().await;
    }
}

async fn put_all(catalog: &dyn Catalog, records: &[(&str, &str)]) -> Stamp {
    let mut commit = Commit::default();
    for (key, value) in records {
        commit.put(index(key), (*value).to_owned());
    }
    catalog.commit(commit).await.unwrap()
}

async fn value(catalog: &dyn Catalog, key: &str) -> Option<String> {
    let answer = catalog.read(&[get(key)]).await.unwrap().remove(0);
    answer.map(|(_, entry)| text(&entry.value))
}

async fn walked(catalog: &dyn Catalog, from: &[u8], direction: Direction) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let mut visitor = |key: &[u8], _: Stamp, _: &[u8]| {
        keys.push(key.to_vec());
        Step::Next
    };
    catalog.walk(Space::Index, from, direction, &mut visitor).await.unwrap();
    keys
}

async fn join(tasks: impl IntoIterator<Item = tokio::task::JoinHandle<()>>) {
    // All are started before the first is waited for.
    for task in tasks.into_iter().collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

fn index(key: &str) -> Key {
    Key { space: Space::Index, bytes: key.as_bytes().to_vec() }
}

fn get(key: &str) -> Read {
    Read::Get(index(key))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn number(bytes: &[u8]) -> u64 {
    text(bytes).parse().unwrap()
}
