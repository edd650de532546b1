//! Migrations: what arrives, and that they can be interrupted anywhere.

use std::sync::{Arc, Mutex};

use object_engine::{
    blobs::{
        BlobError, BlobId, BlobStore,
        buffers::BufferPool,
        faulty::{BlobOperation, FailingBlobs, Tear, TornBlobs},
        installation::InstallationId,
        memory::MemoryBlobs,
    },
    catalog::{Catalog, Commit, Direction, Key, Space, Stamp, Step as Walk, memory::MemoryCatalog},
    error::EngineError,
    migrate::{
        BlobsMove, MigrateError, MigrateOptions, Migrated, Progress, Refusal, Side, Step, Watch,
        migrate,
    },
    model::*,
};

use crate::{crash, decorators::*, disk, world::*};

/// Remembers what it saw.
#[derive(Default)]
struct Seen(Mutex<Vec<Progress>>);

impl Watch for Seen {
    fn see(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress);
    }
}

fn options() -> MigrateOptions {
    MigrateOptions {
        blobs: BlobsMove::Copied,
        retire: false,
        read_back: false,
        buffers: BufferPool::default(),
        entropy: Arc::new(Counter::default()),
    }
}

fn side(world: &World) -> Side {
    Side { catalog: Arc::clone(&world.catalog), blobs: Arc::clone(&world.blobs) }
}

async fn run(from: &Side, to: &Side) -> Result<Migrated, MigrateError> {
    migrate(from, to, &options(), &Seen::default()).await
}

async fn run_worlds(from: &World, to: &World) -> Result<Migrated, MigrateError> {
    run(&side(from), &side(to)).await
}

/// A world with the clock and randomness of another, and nothing stored.
fn empty_like(world: &World) -> World {
    let (catalog, blobs) = (Arc::new(MemoryCatalog::new()), Arc::new(MemoryBlobs::new()));
    World { catalog, blobs, directory: None, ..world.clone() }
}

/// Something of everything, and what must be found again.
struct Stock {
    bucket: Bucket,
    state: crash::State,
    kept: Bucket,
    versions: Vec<Assigned>,
    upload: Upload,
}

async fn stock(world: &World) -> Stock {
    let (bucket, state) = crash::run_script(world).await;
    let engine = world.open().await;
    let kept = versioned(&engine, "kept").await;
    let mut versions = Vec::new();
    for seed in [1, 2, 3] {
        versions.push(put(world, &engine, (&kept, "v"), &large(seed)).await);
    }
    delete(&engine, (&kept, "v"), VersionSelector::Latest).await;
    let (shared, _) = version(&engine, (&bucket, "c")).await;
    copy(world, &engine, (&bucket, &shared), (&bucket, "c2")).await;
    let upload = upload(world, &engine, (&kept, "u")).await;
    for (number, seed) in [(1, 10), (2, 20), (2, 30)] {
        assert!(put_part(&engine, &kept, &upload, number, &large(seed)).await.unwrap());
    }
    assert!(engine.add_named_key("team", [7; 16], "sealed".into()).await.unwrap());
    let account = Account {
        id: AccountId("id".into()),
        name: "alice".into(),
        display_name: "Alice".into(),
        email: None,
        policy: Some("policy".into()),
    };
    let key = AccessKey {
        id: "AK".into(),
        account: "alice".into(),
        sealed_secret: "sealed".into(),
        enabled: true,
    };
    engine.put_account(&account, Some(&key)).await.unwrap();
    let mut state = state;
    state.insert("c2".into(), state["c"].clone());
    engine.close().await.unwrap();
    Stock { bucket, state, kept, versions, upload }
}

impl Stock {
    /// Opens a world and finds everything there, and that it goes on from there.
    async fn is_in(&self, world: &World) {
        let engine = world.open().await;
        let audit = engine.audit().await.unwrap();
        assert!(audit.is_clean(), "{:#?}", audit.problems);
        assert_eq!(crash::state_of(&engine, &self.bucket).await, self.state);
        let at = (&self.kept, "v");
        for (assigned, seed) in self.versions.iter().zip([1, 2, 3]) {
            let selector = VersionSelector::Id(assigned.public.unwrap());
            assert_eq!(get(&engine, at, selector).await, Ok(large(seed)));
        }
        assert_eq!(get(&engine, at, VersionSelector::Latest).await, Err("marker"));
        assert_eq!(engine.named_key("team").await.unwrap().unwrap().sealed, "sealed");
        let (key, account) = engine.access_key("AK").await.unwrap().unwrap();
        assert_eq!((key.account.as_str(), account.policy.as_deref()), ("alice", Some("policy")));
        assert!(put_part(&engine, &self.kept, &self.upload, 3, &large(40)).await.unwrap());
        let done = complete_all(&engine, &self.kept, &self.upload).await.unwrap();
        assert!(matches!(done, Completed::Done(_)), "{done:?}");
        let whole = [large(10), large(30), large(40)].concat();
        assert_eq!(latest(&engine, (&self.kept, "u")).await, Some(whole));
        put(world, &engine, (&self.bucket, "new"), &large(60)).await;
        assert_eq!(latest(&engine, (&self.bucket, "new")).await, Some(large(60)));
        assert_clean(&engine).await;
    }
}

/// All records of a catalog: what a change of it would change.
async fn records(catalog: &dyn Catalog) -> Vec<(Space, Vec<u8>, Stamp, Vec<u8>)> {
    let mut all = Vec::new();
    for space in [Space::Index, Space::Records, Space::Inline] {
        let mut visitor = |key: &[u8], stamp, value: &[u8]| {
            all.push((space, key.to_vec(), stamp, value.to_vec()));
            Walk::Next
        };
        catalog.walk(space, b"", Direction::Forward, &mut visitor).await.unwrap();
    }
    all
}

fn is_refused(outcome: &Result<Migrated, MigrateError>, why: Refusal) -> bool {
    *outcome == Err(MigrateError::Refused(why))
}

#[tokio::test]
async fn what_was_stored_is_found_in_the_target_and_the_source_is_as_it_was() {
    let from = World::new();
    let stock = stock(&from).await;
    let before = (records(&*from.catalog).await, from.blobs.present(0..u64::MAX).await);
    let (to, seen) = (empty_like(&from), Seen::default());
    let done = migrate(&side(&from), &side(&to), &options(), &seen).await.unwrap();
    let Migrated::Now(summary) = done else { panic!("{done:?}") };
    assert!(summary.blobs > 5 && summary.records() > 30, "{summary:?}");
    assert_eq!(to.blobs.present(0..u64::MAX).await.unwrap().len() as u64, summary.blobs);
    assert_eq!((records(&*from.catalog).await, from.blobs.present(0..u64::MAX).await), before);
    let seen = seen.0.into_inner().unwrap();
    let last = |step| seen.iter().rfind(|progress| progress.step == step).unwrap();
    for step in [Step::CopyingBlobs, Step::VerifyingBlobs] {
        let Progress { done, total, bytes, total_bytes, .. } = *last(step);
        assert_eq!((done, bytes), (total, total_bytes), "{step:?}");
        assert_eq!((total, total_bytes), (summary.blobs, summary.blob_bytes));
    }
    let records = summary.records();
    for (step, all) in [(Step::CopyingRecords, records), (Step::VerifyingRecords, 2 * records)] {
        assert_eq!((last(step).done, last(step).total), (all, all), "{step:?}");
    }
    assert_eq!(run_worlds(&from, &to).await, Ok(Migrated::Before(summary)), "once is enough");
    stock.is_in(&to).await;
    stock.is_in(&from).await;
}

#[tokio::test]
async fn it_goes_from_disk_to_memory_and_back() {
    let from = disk::somewhere();
    let stock = stock(&from).await;
    let memory = empty_like(&from);
    run_worlds(&from, &memory).await.unwrap();
    let disk = disk::somewhere();
    let back = World { clock: from.clock.clone(), entropy: from.entropy.clone(), ..disk };
    let reading_back = MigrateOptions { read_back: true, ..options() };
    migrate(&side(&memory), &side(&back), &reading_back, &Seen::default()).await.unwrap();
    stock.is_in(&back).await;
    stock.is_in(&memory).await;
}

fn mortal(side: &Side, fuse: &Arc<Fuse>) -> Side {
    Side {
        catalog: Arc::new(MortalCatalog(Arc::clone(&side.catalog), Arc::clone(fuse))),
        blobs: Arc::new(MortalBlobs(Arc::clone(&side.blobs), Arc::clone(fuse))),
    }
}

/// Migrates a world into new ones, dying at every operation in turn, and again on the way after that.
async fn interrupted_everywhere(last: LastCommit, retire: bool) {
    let pattern = World::new();
    let stock = stock(&pattern).await;
    for operations in 1.. {
        let (to, options) = (empty_like(&pattern), MigrateOptions { retire, ..options() });
        // What a migration may change of a source must not change the next round's.
        let from = empty_like(&pattern);
        copy_records(&pattern, &from).await;
        let from = Side { blobs: Arc::clone(&pattern.blobs), ..side(&from) };
        let mut deaths = 0;
        for left in [operations, operations / 2 + 1, operations / 3 + 1] {
            let fuse = Fuse::of(left, last);
            let (from, to_mortal) = (mortal(&from, &fuse), mortal(&side(&to), &fuse));
            let ended = migrate(&from, &to_mortal, &options, &Seen::default()).await;
            if !fuse.is_dead() {
                assert!(ended.is_ok(), "{ended:?}");
                break;
            }
            deaths += 1;
            let is_whole = to.catalog.read(&[schema()]).await.unwrap()[0].is_some();
            if !is_whole && !records(&*to.catalog).await.is_empty() {
                let refused = to.try_open().await.unwrap_err().to_string();
                assert!(refused.contains("has not ended"), "{refused}");
            }
        }
        let ended = migrate(&from, &side(&to), &options, &Seen::default()).await;
        assert!(ended.is_ok(), "dead at operation {operations}: {ended:?}");
        if operations % 7 == 0 || deaths == 0 {
            stock.is_in(&to).await;
        }
        if deaths == 0 {
            assert!(operations > 60, "the migration has become trivial: {operations}");
            return;
        }
    }
}

fn schema() -> object_engine::catalog::Read {
    object_engine::catalog::Read::Get(Key { space: Space::Index, bytes: b"s/schema".to_vec() })
}

/// Writes the records of a catalog into another.
async fn copy_records(from: &World, to: &World) {
    let mut commit = Commit::default();
    for (space, bytes, _, value) in records(&*from.catalog).await {
        commit.put(Key { space, bytes }, value);
    }
    to.catalog.commit(commit).await.unwrap();
}

#[tokio::test]
async fn an_interruption_before_any_operation_is_made_up_for() {
    interrupted_everywhere(LastCommit::Lost, false).await;
}

#[tokio::test]
async fn an_interruption_after_any_commit_is_made_up_for() {
    interrupted_everywhere(LastCommit::Done, false).await;
}

#[tokio::test]
async fn an_interruption_of_a_migration_that_retires_its_source_is_made_up_for() {
    interrupted_everywhere(LastCommit::Lost, true).await;
    interrupted_everywhere(LastCommit::Done, true).await;
}

/// What a crash left in the source is put right by the target's first start.
#[tokio::test]
async fn a_source_that_crashed_anywhere_arrives() {
    crash::crash_everywhere_and(LastCommit::Lost, 1, World::new, |world| async move {
        let to = empty_like(&world);
        run_worlds(&world, &to).await.unwrap();
        to
    })
    .await;
}

/// Where blobs stay, those that nothing refers to are the target's to delete.
#[tokio::test]
async fn a_source_that_crashed_anywhere_arrives_where_its_blobs_stay() {
    crash::crash_everywhere_and(LastCommit::Done, 3, World::new, |world| async move {
        let to = World { blobs: Arc::clone(&world.blobs), ..empty_like(&world) };
        let stay = MigrateOptions { blobs: BlobsMove::Stay, retire: true, ..options() };
        migrate(&side(&world), &side(&to), &stay, &Seen::default()).await.unwrap();
        let refused = world.try_open().await.unwrap_err().to_string();
        assert!(refused.contains("moved elsewhere"), "{refused}");
        to
    })
    .await;
}

#[tokio::test]
async fn blobs_stay_only_where_the_source_goes() {
    let from = World::new();
    stock(&from).await;
    let to = World { blobs: Arc::clone(&from.blobs), ..empty_like(&from) };
    let stay = MigrateOptions { blobs: BlobsMove::Stay, ..options() };
    let outcome = migrate(&side(&from), &side(&to), &stay, &Seen::default()).await;
    assert!(is_refused(&outcome, Refusal::NotRetired), "{outcome:?}");
    assert!(records(&*to.catalog).await.is_empty());
}

#[tokio::test]
async fn an_id_that_the_source_gave_out_is_not_given_out_again() {
    let from = World::new();
    stock(&from).await;
    let to = empty_like(&from);
    run_worlds(&from, &to).await.unwrap();
    let given = from.blobs.present(0..u64::MAX).await.unwrap().pop().unwrap();
    let engine = to.open().await;
    let Place::Blob(new, _) = write(&engine, &large(9)).await.unwrap() else { panic!("inline") };
    assert!(new > given, "{new:?} after {given:?}");
}

/// Dies once the journal stands in the target; the sides are then as a run that was interrupted left them.
async fn begun(from: &World, to: &World, operations: u64) {
    let fuse = Fuse::of(operations, LastCommit::Lost);
    let ended = run(&mortal(&side(from), &fuse), &mortal(&side(to), &fuse)).await;
    assert!(ended.is_err() && fuse.is_dead());
    assert!(!records(&*to.catalog).await.is_empty(), "it did not begin");
}

#[tokio::test]
async fn a_source_that_was_served_meanwhile_is_refused() {
    let from = World::new();
    stock(&from).await;
    let to = empty_like(&from);
    begun(&from, &to, 40).await;
    from.open().await.close().await.unwrap();
    let outcome = run_worlds(&from, &to).await;
    assert!(is_refused(&outcome, Refusal::SourceServed), "{outcome:?}");
    // A write that no lease was taken for: seen at the latest when the source is summed up again.
    let to = empty_like(&from);
    begun_verifying(&from, &to).await;
    let mut commit = Commit::default();
    commit.put(Key { space: Space::Records, bytes: b"w/task".to_vec() }, "note");
    from.catalog.commit(commit).await.unwrap();
    let outcome = run_worlds(&from, &to).await;
    assert!(is_refused(&outcome, Refusal::SourceServed), "{outcome:?}");
    let other = World::new();
    stock(&other).await;
    let to = empty_like(&from);
    begun(&from, &to, 40).await;
    let outcome = run_worlds(&other, &to).await;
    assert!(is_refused(&outcome, Refusal::SourceServed), "another's: {outcome:?}");
}

#[tokio::test]
async fn what_is_there_already_is_not_overwritten() {
    let from = World::new();
    stock(&from).await;
    let served = World::new();
    served.open().await;
    let outcome = run_worlds(&from, &served).await;
    assert!(is_refused(&outcome, Refusal::TargetCatalogTaken), "{outcome:?}");
    let theirs = from.blobs.installation().await.unwrap().unwrap();
    let unmarked: Arc<dyn BlobStore> = Remarked::new(Arc::clone(&from.blobs));
    for (blobs, why) in [
        (unmarked, Refusal::TargetBlobsTaken),
        (Arc::clone(&from.blobs), Refusal::TargetBlobsOfAnother(theirs)),
    ] {
        let to = World { blobs, ..empty_like(&from) };
        let outcome = run_worlds(&from, &to).await;
        assert!(is_refused(&outcome, why), "{outcome:?}");
        assert!(records(&*to.catalog).await.is_empty());
    }
}

/// Of two that are copied from each other, neither is ever served over the other's blobs.
#[tokio::test]
async fn the_target_is_another_installation_unless_the_blobs_stay() {
    let from = World::new();
    stock(&from).await;
    let to = empty_like(&from);
    run_worlds(&from, &to).await.unwrap();
    let of = async |world: &World| world.blobs.installation().await.unwrap().unwrap();
    let (theirs, ours) = (of(&from).await, of(&to).await);
    assert_ne!(theirs, ours);
    for (catalog, blobs) in [(&to, &from), (&from, &to)] {
        let mixed = World { blobs: Arc::clone(&blobs.blobs), ..catalog.clone() };
        let refused = mixed.try_open().await.unwrap_err();
        assert!(matches!(refused, EngineError::ForeignBlobs(_)), "{refused:?}");
    }
    to.open().await.close().await.unwrap();
    let stayed = World { blobs: Arc::clone(&to.blobs), ..empty_like(&to) };
    let stay = MigrateOptions { blobs: BlobsMove::Stay, retire: true, ..options() };
    migrate(&side(&to), &side(&stayed), &stay, &Seen::default()).await.unwrap();
    stayed.open().await;
    assert_eq!(of(&stayed).await, ours);
}

#[tokio::test]
async fn only_the_sources_own_blobs_are_read() {
    let from = World::new();
    let stock = stock(&from).await;
    let other = World { entropy: from.entropy.clone(), ..World::new() };
    other.open().await;
    let theirs = other.blobs.installation().await.unwrap().unwrap();
    let wrong = Side { blobs: Arc::clone(&other.blobs), ..side(&from) };
    let to = empty_like(&from);
    let outcome = run(&wrong, &side(&to)).await;
    assert!(is_refused(&outcome, Refusal::SourceBlobsOfAnother(theirs)), "{outcome:?}");
    assert!(records(&*to.catalog).await.is_empty());
    // A copy of the blobs that lacks the mark is good enough to be read.
    let unmarked = Side { blobs: Remarked::new(Arc::clone(&from.blobs)), ..side(&from) };
    run(&unmarked, &side(&to)).await.unwrap();
    stock.is_in(&to).await;
}

#[tokio::test]
async fn a_place_that_another_took_meanwhile_is_not_written_to() {
    let from = World::new();
    stock(&from).await;
    let to = World { blobs: Remarked::new(Arc::new(MemoryBlobs::new())), ..empty_like(&from) };
    begun(&from, &to, 40).await;
    let theirs = InstallationId([7; 16]);
    let taken = Remarked::new(Arc::new(MemoryBlobs::new()));
    taken.set_mark(Some(theirs));
    let outcome = run(&side(&from), &Side { blobs: taken.clone(), ..side(&to) }).await;
    assert!(is_refused(&outcome, Refusal::TargetBlobsOfAnother(theirs)), "{outcome:?}");
    assert_eq!(taken.is_empty().await, Ok(true));
}

#[tokio::test]
async fn a_source_that_is_none_or_not_whole_or_gone_is_refused() {
    let nothing = World::new();
    let outcome = run_worlds(&nothing, &World::new()).await;
    assert!(is_refused(&outcome, Refusal::NoSource), "{outcome:?}");
    let from = World::new();
    stock(&from).await;
    let half = empty_like(&from);
    begun(&from, &half, 40).await;
    let outcome = run_worlds(&half, &World::new()).await;
    assert!(is_refused(&outcome, Refusal::SourceNotWhole), "{outcome:?}");
    let retire = MigrateOptions { retire: true, ..options() };
    let to = empty_like(&from);
    migrate(&side(&from), &side(&to), &retire, &Seen::default()).await.unwrap();
    assert!(from.try_open().await.unwrap_err().to_string().contains("moved elsewhere"));
    let outcome = run_worlds(&from, &empty_like(&from)).await;
    assert!(is_refused(&outcome, Refusal::SourceRetired), "{outcome:?}");
    let onward = empty_like(&from);
    run_worlds(&to, &onward).await.unwrap();
    onward.open().await;
}

/// The largest stored blob of a world that something refers to.
async fn some_blob(world: &World) -> BlobId {
    let engine = world.open().await;
    let kept = BucketName::parse("kept").unwrap();
    let kept = engine.bucket(&kept).await.unwrap().unwrap();
    put(world, &engine, (&kept, "some"), &large(77)).await;
    let (_, object) = version(&engine, (&kept, "some")).await;
    engine.close().await.unwrap();
    match object.body {
        Body::Whole(StoredPart { place: Place::Blob(blob, _), .. }) => blob,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_damaged_or_missing_blob_of_the_source_ends_it_and_a_mended_one_arrives() {
    let from = World::new();
    let stock = stock(&from).await;
    let blob = some_blob(&from).await;
    for tear in [Tear::Missing, Tear::Truncated(3), Tear::Flipped(100)] {
        let torn = TornBlobs::new(Arc::clone(&from.blobs));
        torn.tear(blob, tear);
        let from = Side { blobs: Arc::new(torn.clone()), ..side(&from) };
        let to = World::new();
        let outcome = run(&from, &side(&to)).await;
        let Err(MigrateError::Source(error)) = outcome else { panic!("{tear:?}: {outcome:?}") };
        assert!(error.to_string().contains("damaged"), "{error}");
        assert!(to.try_open().await.is_err());
        torn.mend(blob);
        run(&from, &side(&to)).await.unwrap();
    }
    let to = empty_like(&from);
    run_worlds(&from, &to).await.unwrap();
    stock.is_in(&to).await;
}

/// A reader that flips a bit, under checksums that are right: what a bad disk or cable does.
#[tokio::test]
async fn a_bit_that_flips_on_the_way_is_seen() {
    let from = disk::somewhere();
    stock(&from).await;
    let blob = some_blob(&from).await;
    let torn = TornBlobs::new(Arc::clone(&from.blobs));
    let flipping = Flipping(Arc::new(torn.clone()), Arc::clone(&from.blobs));
    torn.tear(blob, Tear::Flipped(5));
    let from = Side { catalog: Arc::clone(&from.catalog), blobs: Arc::new(flipping) };
    let outcome = run(&from, &side(&World::new())).await;
    let Err(MigrateError::Source(error)) = outcome else { panic!("{outcome:?}") };
    assert!(error.to_string().contains("noted when it was written"), "{error}");
}

#[tokio::test]
async fn a_target_that_loses_or_changes_a_blob_is_not_declared_whole() {
    let from = World::new();
    stock(&from).await;
    let blob = some_blob(&from).await;
    for (tear, read_back) in
        [(Tear::Missing, false), (Tear::Truncated(3), false), (Tear::Flipped(9), true)]
    {
        let to = empty_like(&from);
        let torn = TornBlobs::new(Arc::clone(&to.blobs));
        torn.tear(blob, tear);
        let side_to = Side { blobs: Arc::new(torn), ..side(&to) };
        let options = MigrateOptions { read_back, ..options() };
        let outcome = migrate(&side(&from), &side_to, &options, &Seen::default()).await;
        assert!(matches!(outcome, Err(MigrateError::Target(_))), "{tear:?}: {outcome:?}");
        assert!(to.try_open().await.is_err());
    }
}

#[tokio::test]
async fn a_target_that_loses_or_gains_a_record_is_not_declared_whole() {
    let from = World::new();
    stock(&from).await;
    for is_loss in [true, false] {
        let to = empty_like(&from);
        begun_verifying(&from, &to).await;
        let mut commit = Commit::default();
        let key = Key { space: Space::Records, bytes: b"n/lease".to_vec() };
        if is_loss {
            commit.delete(key);
        } else {
            commit.put(Key { bytes: b"n/other".to_vec(), ..key }, "1");
        }
        to.catalog.commit(commit).await.unwrap();
        let outcome = run_worlds(&from, &to).await;
        assert!(matches!(outcome, Err(MigrateError::Different(_))), "{outcome:?}");
        assert!(to.try_open().await.is_err());
    }
}

/// Runs until the records are copied, and dies while the blobs are compared.
async fn begun_verifying(from: &World, to: &World) {
    let error = BlobError::Unavailable("injected".into());
    let failing = FailingBlobs::new(Arc::clone(&to.blobs), 1, BlobOperation::Scrub, error);
    let to = Side { blobs: Arc::new(failing.clone()), ..side(to) };
    let outcome = run(&side(from), &to).await;
    assert!(outcome.is_err() && failing.has_struck(), "{outcome:?}");
}

#[tokio::test]
async fn any_operation_on_blobs_may_fail_once() {
    use BlobOperation::{Create, Finish, Open, Present, Read, Scrub, Write};
    let from = World::new();
    stock(&from).await;
    let whole = empty_like(&from);
    run_worlds(&from, &whole).await.unwrap();
    for operation in [Create, Write, Finish, Open, Read, Scrub, Present] {
        for n in [1, 3] {
            for is_source in [true, false] {
                let to = empty_like(&from);
                let error = BlobError::Unavailable("injected".into());
                let (mut a, mut b) = (side(&from), side(&to));
                let faulty = if is_source { &mut a } else { &mut b };
                let failing = FailingBlobs::new(Arc::clone(&faulty.blobs), n, operation, error);
                faulty.blobs = Arc::new(failing.clone());
                let first = run(&a, &b).await;
                assert_eq!(first.is_err(), failing.has_struck(), "{operation:?} {n}: {first:?}");
                run(&a, &b).await.unwrap();
                let (stored, wanted) =
                    (to.blobs.present(0..u64::MAX).await, whole.blobs.present(0..u64::MAX).await);
                assert_eq!(stored, wanted, "nothing is left over after {operation:?} {n}");
            }
        }
    }
}

/// Two at once: the journal's stamp lets one of them go on.
#[tokio::test]
async fn a_second_migration_into_the_same_target_gives_way() {
    let from = World::new();
    let stock = stock(&from).await;
    let to = empty_like(&from);
    let pausing = PausingCatalog::new(Arc::clone(&to.catalog));
    let mut pause = pausing.pause(|commit| writes(commit, b"y/blob"));
    let slow = Side { catalog: pausing.clone(), ..side(&to) };
    let first = tokio::spawn({
        let from = side(&from);
        async move { run(&from, &slow).await }
    });
    pause.reached().await;
    run_worlds(&from, &to).await.unwrap();
    pause.resume();
    let outcome = first.await.unwrap();
    assert!(is_refused(&outcome, Refusal::NotAlone), "{outcome:?}");
    stock.is_in(&to).await;
}

/// Reads through one store, and has the checksums of another.
#[derive(Debug)]
struct Flipping(Arc<dyn BlobStore>, Arc<dyn BlobStore>);

#[async_trait::async_trait]
impl BlobStore for Flipping {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn object_engine::blobs::BlobWriter>, BlobError> {
        self.0.create(id, length).await
    }

    async fn open(
        &self,
        id: BlobId,
        length: u64,
    ) -> Result<Box<dyn object_engine::blobs::BlobReader>, BlobError> {
        self.0.open(id, length).await
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.0.delete(id).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        self.1.scrub(id, length).await
    }

    async fn sums(&self, id: BlobId, length: u64) -> Result<Vec<u32>, BlobError> {
        self.1.sums(id, length).await
    }

    async fn present(&self, ids: std::ops::Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        self.0.present(ids).await
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        self.0.installation().await
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        self.0.claim(ours).await
    }
}
