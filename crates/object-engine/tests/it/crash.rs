//! Crashes: the process dies at every operation in turn, and the next one finds what was acknowledged.

use std::{collections::BTreeMap, sync::Arc};

use object_engine::{engine::ObjectEngine, error::EngineError, model::*};

use crate::{decorators::*, world::*};

/// Key to content of its newest version: what a client can know.
pub(crate) type State = BTreeMap<String, Vec<u8>>;

/// One acknowledged verb.
#[derive(Clone, Copy, Debug)]
enum Act {
    Put(&'static str, u8),
    PutSmall(&'static str, u8),
    Copy(&'static str, &'static str),
    Delete(&'static str),
    /// An upload of two parts, one replaced, one more that is not chosen.
    Multipart(&'static str, u8),
    Aborted(&'static str),
    Bucket(&'static str),
    Reclaim,
}

const SCRIPT: [Act; 17] = [
    Act::Put("a", 1),
    Act::PutSmall("b", 2),
    Act::Put("a", 3),
    Act::Copy("a", "c"),
    Act::Multipart("m", 4),
    Act::Reclaim,
    Act::Copy("m", "n"),
    // Onto itself, as a new customer key does: of a body that others share, and that has parts.
    Act::Copy("n", "n"),
    Act::Delete("a"),
    Act::Copy("c", "c"),
    Act::Aborted("m"),
    Act::Bucket("other"),
    Act::Multipart("c", 7),
    Act::Delete("m"),
    // Now its only holder.
    Act::Copy("n", "n"),
    Act::PutSmall("n", 9),
    Act::Reclaim,
];

impl Act {
    /// The state after this act.
    fn apply(self, state: &mut State) {
        match self {
            Self::Put(name, seed) => drop(state.insert(name.into(), large(seed))),
            Self::PutSmall(name, seed) => drop(state.insert(name.into(), vec![seed; 9])),
            Self::Copy(from, to) => {
                let content = state[from].clone();
                state.insert(to.into(), content);
            }
            Self::Delete(name) => drop(state.remove(name)),
            Self::Multipart(name, seed) => {
                state.insert(name.into(), [large(seed), vec![seed; 5]].concat());
            }
            Self::Aborted(_) | Self::Bucket(_) | Self::Reclaim => {}
        }
    }

    async fn run(
        self,
        world: &World,
        engine: &ObjectEngine,
        bucket: &Bucket,
    ) -> Result<(), EngineError> {
        match self {
            Self::Put(name, seed) => {
                try_put(world, engine, (bucket, name), &large(seed)).await.map(drop)
            }
            Self::PutSmall(name, seed) => {
                try_put(world, engine, (bucket, name), &[seed; 9]).await.map(drop)
            }
            Self::Copy(from, to) => run_copy(world, engine, bucket, (from, to)).await,
            Self::Delete(name) => {
                let any = WriteCondition::default();
                let latest = VersionSelector::Latest;
                engine.delete(bucket, &key(name), latest, &any).await.map(drop)
            }
            Self::Multipart(name, seed) => run_multipart(world, engine, bucket, (name, seed)).await,
            Self::Aborted(name) => run_aborted(world, engine, (bucket, name)).await,
            Self::Bucket(name) => run_bucket(world, engine, name).await,
            Self::Reclaim => engine.reclaim().await.map(drop),
        }
    }
}

async fn run_copy(
    world: &World,
    engine: &ObjectEngine,
    bucket: &Bucket,
    (from, to): (&str, &str),
) -> Result<(), EngineError> {
    let found = engine.version(bucket, &key(from), VersionSelector::Latest).await?;
    let Lookup::Object(source, object) = found else { panic!("{found:?}") };
    let new = new_version(world, (*object).clone());
    engine.publish_shared(bucket, &key(to), new, (bucket, &source), &mut seals).await.map(drop)
}

async fn run_multipart(
    world: &World,
    engine: &ObjectEngine,
    bucket: &Bucket,
    (name, seed): (&str, u8),
) -> Result<(), EngineError> {
    let upload = engine.create_upload(bucket, new_upload(world, name)).await?.unwrap();
    put_part(engine, bucket, &upload, 1, &large(99)).await?;
    put_part(engine, bucket, &upload, 1, &large(seed)).await?;
    put_part(engine, bucket, &upload, 2, &large(98)).await?;
    put_part(engine, bucket, &upload, 3, &[seed; 5]).await?;
    let (mut parts, _) = engine.parts(&upload, 0, 10).await?;
    parts.remove(1);
    let done = engine.complete(bucket, &upload, completing(parts), &mut seals).await?;
    assert!(matches!(done, Completed::Done(_)), "{done:?}");
    Ok(())
}

async fn run_aborted(
    world: &World,
    engine: &ObjectEngine,
    (bucket, name): (&Bucket, &str),
) -> Result<(), EngineError> {
    let upload = engine.create_upload(bucket, new_upload(world, name)).await?.unwrap();
    put_part(engine, bucket, &upload, 1, &large(97)).await?;
    engine.abort(bucket, &upload).await.map(drop)
}

/// Makes a bucket, fills it, empties it, leaves an upload in it, and deletes it.
async fn run_bucket(world: &World, engine: &ObjectEngine, name: &str) -> Result<(), EngineError> {
    let name = BucketName::parse(name).unwrap();
    let created = engine.create_bucket(&name, &owner(), "r").await?;
    let CreateBucket::Created(bucket) = created else { panic!("{created:?}") };
    try_put(world, engine, (&bucket, "x"), &large(5)).await?;
    Act::Delete("x").run_boxed(world, engine, &bucket).await?;
    let upload = engine.create_upload(&bucket, new_upload(world, "u")).await?.unwrap();
    put_part(engine, &bucket, &upload, 1, &large(6)).await?;
    assert_eq!(engine.delete_bucket(&bucket).await?, DeleteBucket::Deleted);
    Ok(())
}

impl Act {
    /// [`Act::run`] behind a pointer, since a bucket's act holds other acts.
    fn run_boxed<'r>(
        self,
        world: &'r World,
        engine: &'r ObjectEngine,
        bucket: &'r Bucket,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + 'r>> {
        Box::pin(self.run(world, engine, bucket))
    }
}

/// Runs the script until the process dies. Says how many acts were acknowledged.
async fn run_until_death(world: &World, fuse: &Arc<Fuse>, bucket: &Bucket) -> usize {
    let mortal = World {
        catalog: Arc::new(MortalCatalog(Arc::clone(&world.catalog), Arc::clone(fuse))),
        blobs: Arc::new(MortalBlobs(Arc::clone(&world.blobs), Arc::clone(fuse))),
        ..world.clone()
    };
    match mortal.try_open().await {
        Ok(engine) => run_until_error(&mortal, &engine, bucket, None).await,
        Err(_) => 0,
    }
}

/// Runs the script until something fails, with the background work of an engine that has another beside
/// it, if it has. Says how many acts were acknowledged.
pub(crate) async fn run_until_error(
    world: &World,
    engine: &ObjectEngine,
    bucket: &Bucket,
    beside: Option<&ObjectEngine>,
) -> usize {
    for (done, act) in SCRIPT.into_iter().enumerate() {
        if act.run(world, engine, bucket).await.is_err() {
            return done;
        }
        if let Some(beside) = beside {
            beside.keep_session().await.unwrap();
            if engine.keep_session().await.is_err() || engine.sweep().await.is_err() {
                return done + 1;
            }
        }
    }
    SCRIPT.len()
}

/// What may be found after so many acts were acknowledged, and the next one perhaps done.
pub(crate) fn states_after(acknowledged: usize) -> [State; 2] {
    let mut before = State::new();
    SCRIPT[..acknowledged].iter().for_each(|act| act.apply(&mut before));
    let mut after = before.clone();
    SCRIPT[acknowledged..].iter().take(1).for_each(|act| act.apply(&mut after));
    [before, after]
}

/// How many acts the script has.
pub(crate) const ACTS: usize = SCRIPT.len();

pub(crate) async fn state_of(engine: &ObjectEngine, bucket: &Bucket) -> State {
    let ask = ListObjects { limit: 1_000, ..ListObjects::default() };
    let page = engine.list_objects(bucket, &ask).await.unwrap();
    let mut state = State::new();
    for entry in page.entries {
        let Listed::Object(object) = entry else { panic!("no delimiter was asked for") };
        let content = latest(engine, (bucket, &object.key)).await.unwrap();
        state.insert(object.key, content);
    }
    state
}

/// Everything that a crash may leave is put right by the next open.
async fn check_after_crash(world: &World, bucket: &Bucket, acknowledged: usize, at: &str) {
    let engine = world.open().await;
    let audit = engine.audit().await.unwrap();
    assert!(audit.is_clean(), "{at}: {:#?}", audit.problems);
    let found = state_of(&engine, bucket).await;
    let is_right = states_after(acknowledged).contains(&found);
    assert!(is_right, "{at}, in {:?}", SCRIPT.get(acknowledged));
    assert_clean(&engine).await;
    let other = BucketName::parse("other").unwrap();
    if let Some(other) = engine.bucket(&other).await.unwrap() {
        let left = engine.delete_bucket(&other).await.unwrap();
        assert!(matches!(left, DeleteBucket::Deleted | DeleteBucket::NotEmpty), "{at}");
    }
    put(world, &engine, (bucket, "a"), &large(50)).await;
    assert_eq!(latest(&engine, (bucket, "a")).await, Some(large(50)), "{at}");
    assert_clean(&engine).await;
}

/// Dies at every `step`th operation of the script, each time in a new world.
pub(crate) async fn crash_everywhere(last: LastCommit, step: usize, make: impl Fn() -> World) {
    crash_everywhere_and(last, step, make, std::future::ready).await;
}

/// As [`crash_everywhere`]; what is checked is the world that `then` makes of the one that was left.
pub(crate) async fn crash_everywhere_and<F: Future<Output = World>>(
    last: LastCommit,
    step: usize,
    make: impl Fn() -> World,
    then: impl Fn(World) -> F,
) {
    for operations in (1..).step_by(step) {
        let world = make();
        let setup = world.open().await;
        let bucket = bucket(&setup, "bucket").await;
        setup.close().await.unwrap();
        let fuse = Fuse::of(operations, last);
        let acknowledged = run_until_death(&world, &fuse, &bucket).await;
        if !fuse.is_dead() {
            assert_eq!(acknowledged, SCRIPT.len());
            assert!(operations > 200, "the script has become trivial: {operations}");
            return;
        }
        let at = format!("dead at operation {operations}, last commit {last:?}");
        check_after_crash(&then(world).await, &bucket, acknowledged, &at).await;
    }
}

/// Runs the whole script undisturbed and gives the state that it must leave.
pub(crate) async fn run_script(world: &World) -> (Bucket, State) {
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let mut state = State::new();
    for act in SCRIPT {
        act.run(world, &engine, &bucket).await.unwrap();
        act.apply(&mut state);
    }
    (bucket, state)
}

#[tokio::test]
async fn a_crash_before_any_operation_loses_nothing_acknowledged() {
    crash_everywhere(LastCommit::Lost, 1, World::new).await;
}

#[tokio::test]
async fn a_crash_after_any_commit_loses_nothing_acknowledged() {
    crash_everywhere(LastCommit::Done, 1, World::new).await;
}

/// The recovery itself dies, at each of its operations in turn.
#[tokio::test]
async fn a_crash_in_recovery_can_be_recovered_from() {
    for operations in 1..40 {
        let world = World::new();
        let setup = world.open().await;
        let bucket = bucket(&setup, "bucket").await;
        setup.close().await.unwrap();
        // Dies while completing "m": an orphan, a frozen upload, an open lease.
        let fuse = Fuse::of(75, LastCommit::Lost);
        let acknowledged = run_until_death(&world, &fuse, &bucket).await;
        assert!(fuse.is_dead());
        let second = Fuse::of(operations, LastCommit::Lost);
        let mortal = World {
            catalog: Arc::new(MortalCatalog(Arc::clone(&world.catalog), Arc::clone(&second))),
            blobs: Arc::new(MortalBlobs(Arc::clone(&world.blobs), second)),
            ..world.clone()
        };
        drop(mortal.try_open().await);
        check_after_crash(&world, &bucket, acknowledged, &format!("recovery {operations}")).await;
    }
}
