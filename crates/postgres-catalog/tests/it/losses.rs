//! Broken connections and crashed servers: nothing acknowledged is lost, nothing happens twice.

use std::{sync::Arc, time::Duration};

use object_engine::catalog::{Catalog, Commit, CommitError, Expect, Key, Read, Space};

use crate::cluster::{self, Cluster, catalog};

const WRITERS: u64 = 8;
const INCREMENTS: u64 = 40;

fn key(name: &str) -> Key {
    Key { space: Space::Index, bytes: name.as_bytes().to_vec() }
}

async fn value(catalog: &dyn Catalog, name: &str) -> Option<(object_engine::catalog::Stamp, u64)> {
    let answer = loop {
        // A read may meet the very moment at which its connection is cut.
        if let Ok(mut answers) = catalog.read(&[Read::Get(key(name))]).await {
            break answers.remove(0);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    answer.map(|(_, entry)| {
        (entry.stamp, std::str::from_utf8(&entry.value).unwrap().parse().unwrap())
    })
}

/// Adds one, and notes that it did, `INCREMENTS` times.
async fn increment(catalog: Arc<dyn Catalog>, writer: u64) {
    for n in 0..INCREMENTS {
        loop {
            let (stamp, count) = value(&*catalog, "counter").await.unwrap();
            let mut commit = Commit::default();
            commit.check(key("counter"), Expect::Stamp(stamp));
            commit.put(key("counter"), (count + 1).to_string());
            let note = key(&format!("note/{writer}/{n}"));
            commit.check(note.clone(), Expect::Absent).put(note, "");
            match catalog.commit(commit).await {
                Ok(_) => break,
                Err(CommitError::Conflict | CommitError::Unavailable(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

async fn counts_exactly(cluster: &Cluster, mut disturb: impl AsyncFnMut()) {
    let catalog: Arc<dyn Catalog> = Arc::new(catalog(&cluster.fresh()).await);
    let mut zero = Commit::default();
    zero.put(key("counter"), "0");
    catalog.commit(zero).await.unwrap();
    let writers: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(increment(Arc::clone(&catalog), n))).collect();
    while !writers.iter().all(|writer| writer.is_finished()) {
        disturb().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let (_, count) = value(&*catalog, "counter").await.unwrap();
    assert_eq!(count, WRITERS * INCREMENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_in_the_middle_lose_and_double_nothing() {
    let Some(cluster) = cluster::shared() else { return };
    let client = cluster.client().await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE application_name = 'strongroom' AND query LIKE '%commit%' AND random() < 0.5";
    counts_exactly(cluster, async || {
        client.execute(cut, &[]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(15)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_nothing_acknowledged() {
    let Some(cluster) = Cluster::start(&["fsync=on"]) else { return };
    counts_exactly(&cluster, async || {
        tokio::time::sleep(Duration::from_millis(400)).await;
        tokio::task::block_in_place(|| cluster.crash());
    })
    .await;
}

/// Who serves this application, and since when.
async fn backends(client: &tokio_postgres::Client, application: &str) -> Vec<i32> {
    let asked = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY pid";
    let rows = client.query(asked, &[&application]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_statement_that_was_abandoned() {
    let Some(cluster) = cluster::shared() else { return };
    let catalog = catalog(&format!("{}&pool_size=1", cluster.address("abandoned"))).await;
    let mut first = Commit::default();
    first.put(key("a"), "7");
    catalog.commit(first).await.unwrap();
    let client = cluster.client().await;
    let lock = "BEGIN; LOCK TABLE abandoned.commits IN ACCESS EXCLUSIVE MODE";
    client.batch_execute(lock).await.unwrap();
    let mut second = Commit::default();
    second.put(key("b"), "8");
    let stuck = tokio::time::timeout(Duration::from_millis(200), catalog.commit(second)).await;
    assert!(stuck.is_err(), "the lock holds it: {stuck:?}");
    let begun = std::time::Instant::now();
    assert_eq!(value(&catalog, "a").await.unwrap().1, 7);
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}: as long as PostgreSQL took",
        begun.elapsed()
    );
    client.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_statement_that_is_answered_soon_costs_no_connection() {
    let Some(cluster) = cluster::shared() else { return };
    let address = format!("{}&pool_size=1&application_name=hasty", cluster.fresh());
    let catalog = catalog(&address).await;
    let mut commit = Commit::default();
    commit.put(key("a"), "7");
    catalog.commit(commit).await.unwrap();
    let client = cluster.client().await;
    let before = backends(&client, "hasty").await;
    for _ in 0..20 {
        let reads = [Read::Get(key("a"))];
        let abandoned = tokio::time::timeout(Duration::ZERO, catalog.read(&reads)).await;
        drop(abandoned);
        assert_eq!(value(&catalog, "a").await.unwrap().1, 7);
    }
    assert_eq!(backends(&client, "hasty").await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_open_at_once_make_one_schema() {
    let Some(cluster) = cluster::shared() else { return };
    let address = cluster.fresh();
    let (one, other) = tokio::join!(catalog(&address), catalog(&address));
    let mut commit = Commit::default();
    commit.put(key("a"), "7");
    one.commit(commit).await.unwrap();
    assert_eq!(value(&other, "a").await.unwrap().1, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_refused_and_left_alone() {
    let Some(cluster) = cluster::shared() else { return };
    catalog(&cluster.address("newer")).await;
    let client = cluster.client().await;
    client.execute("UPDATE newer.version SET number = 99", &[]).await.unwrap();
    let (address, entropy) = (cluster.address("newer"), Arc::new(cluster::OsEntropy));
    let opened = postgres_catalog::PostgresCatalog::open(&address, entropy).await;
    let error = opened.unwrap_err().to_string();
    assert!(error.contains("version 99"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_is_refused_while_the_first_one_lives() {
    let Some(cluster) = cluster::shared() else { return };
    let address = cluster.fresh();
    let open = async || {
        let entropy = Arc::new(cluster::OsEntropy);
        postgres_catalog::PostgresCatalog::open_alone(&address, entropy).await
    };
    let first = open().await.unwrap();
    let error = open().await.unwrap_err().to_string();
    assert!(error.contains("another server"), "{error}");
    drop(first);
    // PostgreSQL notices the end of a connection a moment later.
    for _ in 0..100 {
        if open().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the lock outlived its server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_share_a_schema_keep_one_out_that_would_be_alone() {
    use postgres_catalog::PostgresCatalog;

    let Some(cluster) = cluster::shared() else { return };
    let address = cluster.fresh();
    let entropy = || Arc::new(cluster::OsEntropy);
    let beside = async || PostgresCatalog::open_beside(&address, entropy()).await;
    let alone = async || PostgresCatalog::open_alone(&address, entropy()).await;
    let (one, two) = (beside().await.unwrap(), beside().await.unwrap());
    drop(one);
    let error = alone().await.unwrap_err().to_string();
    assert!(error.contains("another server"), "{error}");
    drop(two);
    for _ in 0..100 {
        if let Ok(_alone) = alone().await {
            let error = beside().await.unwrap_err().to_string();
            assert!(error.contains("the only one"), "{error}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the lock outlived its servers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_damage() {
    let Some(cluster) = cluster::shared() else { return };
    let catalog = catalog(&cluster.address("flipped")).await;
    let mut commit = Commit::default();
    commit.put(key("a"), "7");
    catalog.commit(commit).await.unwrap();
    let client = cluster.client().await;
    let flip = "UPDATE flipped.records SET value = set_byte(value, 4, get_byte(value, 4) # 1)";
    assert_eq!(client.execute(flip, &[]).await.unwrap(), 1);
    let answer = catalog.read(&[Read::Get(key("a"))]).await;
    assert!(
        matches!(answer, Err(object_engine::catalog::CatalogError::Damaged { .. })),
        "{answer:?}"
    );
}
