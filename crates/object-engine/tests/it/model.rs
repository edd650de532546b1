//! Random verbs against a one-page model of S3, compared after each step.

use std::collections::BTreeMap;

use object_engine::{engine::ObjectEngine, model::*};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::world::*;

const NAMES: [&str; 7] = ["a", "a/", "a/b", "a/b/c", "a0", "b/x", "ä/ö"];

#[derive(Clone, Debug)]
enum Verb {
    Put { name: usize, size: usize },
    Copy { from: usize, to: usize },
    Delete { name: usize },
    DeleteVersion { name: usize, nth: usize },
    DeleteNull { name: usize },
    SetVersioning { enabled: bool },
    Multipart { name: usize, sizes: Vec<usize> },
    Reclaim,
    Reopen,
}

fn verb() -> impl Strategy<Value = Verb> {
    let name = 0..NAMES.len();
    let size = prop_oneof![Just(0_usize), 1..INLINE_BYTES_MAX, INLINE_BYTES_MAX..300];
    prop_oneof![
        6 => (name.clone(), size.clone()).prop_map(|(name, size)| Verb::Put { name, size }),
        3 => (name.clone(), name.clone()).prop_map(|(from, to)| Verb::Copy { from, to }),
        3 => name.clone().prop_map(|name| Verb::Delete { name }),
        3 => (name.clone(), 0..4_usize).prop_map(|(name, nth)| Verb::DeleteVersion { name, nth }),
        1 => name.clone().prop_map(|name| Verb::DeleteNull { name }),
        1 => any::<bool>().prop_map(|enabled| Verb::SetVersioning { enabled }),
        2 => (name, prop::collection::vec(size, 1..4))
            .prop_map(|(name, sizes)| Verb::Multipart { name, sizes }),
        1 => Just(Verb::Reclaim),
        1 => Just(Verb::Reopen),
    ]
}

/// A version: its public name, and its content unless it is a delete marker.
#[derive(Clone, Debug, PartialEq)]
struct Ref {
    public: PublicVersion,
    content: Option<Vec<u8>>,
}

/// S3, on one page: each key's versions, oldest first.
#[derive(Default)]
struct Model {
    keys: BTreeMap<&'static str, Vec<Ref>>,
    versioning: Versioning,
}

impl Model {
    fn push(&mut self, name: &'static str, version: Ref) {
        let versions = self.keys.entry(name).or_default();
        if version.public.is_none() {
            versions.retain(|old| old.public.is_some());
        }
        versions.push(version);
    }

    fn remove(&mut self, name: &'static str, public: PublicVersion) -> bool {
        let Some(versions) = self.keys.get_mut(name) else { return false };
        let before = versions.len();
        versions.retain(|version| version.public != public);
        let removed = versions.len() < before;
        if versions.is_empty() {
            self.keys.remove(name);
        }
        removed
    }

    fn latest(&self, name: &str) -> Option<&Ref> {
        self.keys.get(name)?.last()
    }

    /// The listing's entries: `*` ends a common prefix.
    fn list(&self, prefix: &str, delimiter: &str, after: &str) -> Vec<String> {
        let mut entries: Vec<String> = Vec::new();
        for (name, versions) in &self.keys {
            let is_object = versions.last().is_some_and(|newest| newest.content.is_some());
            let Some(rest) = name.strip_prefix(prefix).filter(|_| is_object) else { continue };
            let rolled = rest.find(delimiter).filter(|_| !delimiter.is_empty());
            let entry = rolled.map_or((*name).to_owned(), |at| {
                format!("{prefix}{}*", &rest[..at + delimiter.len()])
            });
            let text = entry.trim_end_matches('*');
            let is_inside = entry.ends_with('*') && after.starts_with(text);
            if text > after && !is_inside && entries.last() != Some(&entry) {
                entries.push(entry);
            }
        }
        entries
    }
}

struct Run {
    world: World,
    engine: ObjectEngine,
    bucket: Bucket,
    model: Model,
    fill: u8,
}

impl Run {
    async fn new(world: World) -> Self {
        let engine = world.open().await;
        let bucket = bucket(&engine, "bucket").await;
        Self { world, engine, bucket, model: Model::default(), fill: 0 }
    }

    fn content(&mut self, size: usize) -> Vec<u8> {
        self.fill = self.fill.wrapping_add(1);
        vec![self.fill; size]
    }

    fn added(&mut self, name: &'static str, public: PublicVersion, content: Option<Vec<u8>>) {
        assert_eq!(public.is_some(), self.model.versioning == Versioning::Enabled);
        self.model.push(name, Ref { public, content });
    }

    async fn step(&mut self, verb: Verb) {
        match verb {
            Verb::Put { name, size } => {
                let content = self.content(size);
                let at = (&self.bucket, NAMES[name]);
                let assigned = put(&self.world, &self.engine, at, &content).await;
                self.added(NAMES[name], assigned.public, Some(content));
            }
            Verb::Copy { from, to } => self.copy(NAMES[from], NAMES[to]).await,
            Verb::Delete { name } => self.delete(NAMES[name]).await,
            Verb::DeleteVersion { name, nth } => {
                let versions = self.model.keys.get(NAMES[name]).cloned().unwrap_or_default();
                if let Some(public) = versions.get(nth).map(|version| version.public) {
                    self.delete_version(NAMES[name], public).await;
                }
            }
            Verb::DeleteNull { name } => self.delete_version(NAMES[name], None).await,
            Verb::SetVersioning { enabled } => {
                let wanted = if enabled { Versioning::Enabled } else { Versioning::Suspended };
                assert!(self.engine.set_versioning(&self.bucket, wanted).await.unwrap());
                self.model.versioning = wanted;
            }
            Verb::Multipart { name, sizes } => self.multipart(NAMES[name], sizes).await,
            Verb::Reclaim => drop(self.engine.reclaim().await.unwrap()),
            Verb::Reopen => self.engine = self.world.open().await,
        }
    }

    async fn copy(&mut self, from: &'static str, to: &'static str) {
        let Some(Ref { content: Some(content), .. }) = self.model.latest(from).cloned() else {
            return;
        };
        let (source, _) = version(&self.engine, (&self.bucket, from)).await;
        let to_key = (&self.bucket, to);
        let done = copy(&self.world, &self.engine, (&self.bucket, &source), to_key).await;
        let PublishedShared::Done(assigned) = done else { panic!("{done:?}") };
        self.added(to, assigned.public, Some(content));
    }

    async fn delete(&mut self, name: &'static str) {
        let at = (&self.bucket, name);
        match delete(&self.engine, at, VersionSelector::Latest).await {
            Deleted::MarkerWritten(public) => self.added(name, public, None),
            Deleted::Removed { public, was_marker } => {
                assert!(!was_marker && self.model.versioning == Versioning::Unversioned);
                assert!(self.model.remove(name, public));
            }
            Deleted::Nothing => assert_eq!(self.model.latest(name), None),
            Deleted::ConditionFailed => panic!("no condition"),
            Deleted::Locked => panic!("no lock"),
        }
    }

    async fn delete_version(&mut self, name: &'static str, public: PublicVersion) {
        let selector = public.map_or(VersionSelector::Null, VersionSelector::Id);
        let deleted = delete(&self.engine, (&self.bucket, name), selector).await;
        let removed = matches!(deleted, Deleted::Removed { public: found, .. } if found == public);
        assert_eq!(removed, self.model.remove(name, public), "{deleted:?}");
    }

    async fn multipart(&mut self, name: &'static str, sizes: Vec<usize>) {
        let upload = upload(&self.world, &self.engine, (&self.bucket, name)).await;
        let mut whole = Vec::new();
        for (number, size) in (1..).zip(sizes) {
            let content = self.content(size);
            let is_there = put_part(&self.engine, &self.bucket, &upload, number, &content).await;
            assert_eq!(is_there, Ok(true));
            whole.extend(content);
        }
        let done = complete_all(&self.engine, &self.bucket, &upload).await.unwrap();
        let Completed::Done(assigned) = done else { panic!("{done:?}") };
        self.added(name, assigned.public, Some(whole));
    }

    async fn compare(&self) {
        for name in NAMES {
            let at = (&self.bucket, name);
            let expected = match self.model.latest(name) {
                None => Err("no key"),
                Some(newest) => newest.content.clone().ok_or("marker"),
            };
            assert_eq!(get(&self.engine, at, VersionSelector::Latest).await, expected, "{name}");
            for version in self.model.keys.get(name).into_iter().flatten() {
                let selector = version.public.map_or(VersionSelector::Null, VersionSelector::Id);
                let expected = version.content.clone().ok_or("marker");
                assert_eq!(get(&self.engine, at, selector).await, expected, "{name} {selector:?}");
            }
        }
        for (prefix, delimiter) in [("", ""), ("", "/"), ("a", "/"), ("a/", "/"), ("", "/b")] {
            for after in ["", "a", "a/", "a/b", "a/zz", "zz"] {
                self.compare_listing((prefix, delimiter, after)).await;
            }
        }
        self.compare_versions().await;
        let audit = self.engine.audit().await.unwrap();
        assert!(audit.is_clean(), "{:#?}", audit.problems);
    }

    async fn compare_listing(&self, (prefix, delimiter, after): (&str, &str, &str)) {
        let expected = self.model.list(prefix, delimiter, after);
        for limit in [1, 2, 1_000] {
            let mut ask = ListObjects {
                prefix: prefix.into(),
                delimiter: Some(delimiter.into()),
                after: Some(after.into()).filter(|after: &String| !after.is_empty()),
                limit,
            };
            let mut found = Vec::new();
            loop {
                let page = self.engine.list_objects(&self.bucket, &ask).await.unwrap();
                found.extend(page.entries.iter().map(|entry| match entry {
                    Listed::Object(object) => object.key.clone(),
                    Listed::CommonPrefix(prefix) => format!("{prefix}*"),
                }));
                ask.after = page.next_after;
                if ask.after.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{prefix:?} {delimiter:?} {after:?} by {limit}");
        }
    }

    async fn compare_versions(&self) {
        let newest_first = |(name, versions): (&&'static str, &Vec<Ref>)| {
            let newest = versions.len() - 1;
            let row = |(at, version): (usize, &Ref)| {
                ((*name).to_owned(), version.public, at == newest, version.content.is_none())
            };
            versions.iter().enumerate().rev().map(row).collect::<Vec<_>>()
        };
        let expected: Vec<_> = self.model.keys.iter().flat_map(newest_first).collect();
        for limit in [1, 3, 1_000] {
            let mut ask = ListVersions { limit, ..ListVersions::default() };
            let mut found = Vec::new();
            loop {
                let page = self.engine.list_versions(&self.bucket, &ask).await.unwrap();
                found.extend(page.entries.into_iter().map(|entry| match entry {
                    ListedVersion::Version { object, public, is_latest, is_marker } => {
                        (object.key, public, is_latest, is_marker)
                    }
                    ListedVersion::CommonPrefix(_) => panic!("no delimiter"),
                }));
                let Some((key, version)) = page.next else { break };
                ask.key_marker = Some(key);
                ask.version_marker = version;
            }
            assert_eq!(found, expected, "in pages of {limit}");
        }
    }

    /// Deletes everything: no blob may be left.
    async fn empty(&mut self) {
        for (name, versions) in std::mem::take(&mut self.model.keys) {
            for version in versions {
                let selector = version.public.map_or(VersionSelector::Null, VersionSelector::Id);
                delete(&self.engine, (&self.bucket, name), selector).await;
            }
        }
        assert_clean(&self.engine).await;
        assert_eq!(blob_count(&self.world).await, 0);
        let gone = self.engine.delete_bucket(&self.bucket).await;
        assert_eq!(gone, Ok(DeleteBucket::Deleted));
    }
}

/// Checks `cases` random histories, each in a world that `make` makes.
pub(crate) fn check(cases: u32, make: fn() -> World) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let histories = prop::collection::vec(verb(), 1..30);
    let outcome = TestRunner::new(config).run(&histories, |verbs| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new(make()).await;
            for verb in verbs {
                run.step(verb).await;
                run.compare().await;
            }
            run.empty().await;
        });
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_engine_is_s3_on_one_page() {
    check(48, World::new);
}
