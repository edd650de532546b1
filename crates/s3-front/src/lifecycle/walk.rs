//! Walking one bucket: which of its versions are due, page by page.
//!
//! Guarantees: no listing is longer than a page, and only prefixes that a rule names are listed. What
//! a page shows is a first look, in which tags are unread; the engine asks again before it deletes.
//! Does not: delete.

use object_engine::{
    clock::Timestamp,
    engine::ObjectEngine,
    error::EngineError,
    model::{
        Bucket, ListObjects, ListVersions, Listed, ListedObject, ListedVersion, ObjectKey,
        VersionSelector, Versioning,
    },
};

use super::{Configuration, Facts, Kind, KnownTags, Moment, Place};
use crate::limits::LIST_PAGE_MAX;

/// What looks due on one page.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// These versions.
    pub(super) versions: Vec<(ObjectKey, VersionSelector)>,
    /// All of whose versions were looked at: this key and those before it.
    pub(super) done: Option<String>,
    /// Whether nothing is left under the prefix.
    pub(super) is_last: bool,
}

/// A walk under one prefix of one bucket.
#[derive(Debug)]
pub(super) struct Walk<'b> {
    bucket: &'b Bucket,
    prefix: &'b str,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// Heads are small, and show all there is where there are no versions.
    Heads {
        after: Option<String>,
    },
    Versions(Box<Versions>),
}

/// Where a walk of versions stands inside a key.
#[derive(Debug, Default)]
struct Versions {
    marker: Option<(String, Option<object_engine::model::PublicVersion>)>,
    key: Option<String>,
    done: Option<String>,
    newer: usize,
    above: Option<Timestamp>,
    /// A delete marker on top of the key: whether it is alone, the next entry says.
    lone: Option<ListedObject>,
}

impl<'b> Walk<'b> {
    /// Begins behind the key `after`.
    pub(super) fn begin(bucket: &'b Bucket, prefix: &'b str, after: Option<&str>) -> Self {
        let after = after.map(str::to_owned);
        let form = match bucket.versioning {
            Versioning::Unversioned => Form::Heads { after },
            Versioning::Enabled | Versioning::Suspended => {
                let marker = after.map(|key| (key, None));
                Form::Versions(Box::new(Versions { marker, ..Versions::default() }))
            }
        };
        Self { bucket, prefix, form }
    }

    /// Looks at the next page.
    pub(super) async fn page(
        &mut self,
        engine: &ObjectEngine,
        rules: &Configuration,
        at: Moment,
    ) -> Result<Due, EngineError> {
        let mut judge = Judge { rules, at, due: Due::default() };
        let prefix = self.prefix.to_owned();
        match &mut self.form {
            Form::Heads { after } => {
                let ask = ListObjects {
                    prefix,
                    delimiter: None,
                    after: after.take(),
                    limit: LIST_PAGE_MAX,
                };
                let page = engine.list_objects(self.bucket, &ask).await?;
                for entry in &page.entries {
                    if let Listed::Object(object) = entry {
                        let newest = Place::Newest { is_only: true };
                        judge.look(object, (false, newest), VersionSelector::Latest);
                    }
                }
                judge.due.is_last = page.next_after.is_none();
                judge.due.done.clone_from(&page.next_after);
                *after = page.next_after;
            }
            Form::Versions(walk) => {
                let (key_marker, version_marker) = walk.marker.take().unzip();
                let ask = ListVersions {
                    prefix,
                    delimiter: None,
                    key_marker,
                    version_marker: version_marker.flatten(),
                    limit: LIST_PAGE_MAX,
                };
                let page = engine.list_versions(self.bucket, &ask).await?;
                page.entries.into_iter().for_each(|entry| walk.look(entry, &mut judge));
                judge.due.is_last = page.next.is_none();
                if judge.due.is_last {
                    walk.end_key(&mut judge);
                }
                judge.due.done.clone_from(&walk.done);
                walk.marker = page.next;
            }
        }
        Ok(judge.due)
    }
}

impl Versions {
    fn look(&mut self, entry: ListedVersion, judge: &mut Judge<'_>) {
        let ListedVersion::Version { object, public, is_latest, is_marker } = entry else { return };
        if self.key.as_ref() != Some(&object.key) {
            self.end_key(judge);
            self.key = Some(object.key.clone());
        }
        // It is not alone.
        self.lone = None;
        let last_modified = object.last_modified;
        match self.above {
            _ if is_latest && is_marker => self.lone = Some(object),
            Some(superseded) if !is_latest => {
                let place = Place::Noncurrent { superseded, newer: self.newer };
                let selector = public.map_or(VersionSelector::Null, VersionSelector::Id);
                judge.look(&object, (is_marker, place), selector);
            }
            _ => {
                let newest = Place::Newest { is_only: false };
                judge.look(&object, (is_marker, newest), VersionSelector::Latest);
            }
        }
        self.newer += 1;
        self.above = Some(last_modified);
    }

    /// No version of the present key follows.
    fn end_key(&mut self, judge: &mut Judge<'_>) {
        if let Some(marker) = self.lone.take() {
            let only = Place::Newest { is_only: true };
            judge.look(&marker, (true, only), VersionSelector::Latest);
        }
        self.done = self.key.take().or(self.done.take());
        self.newer = 0;
        self.above = None;
    }
}

/// Judges what listings show.
struct Judge<'r> {
    rules: &'r Configuration,
    at: Moment,
    due: Due,
}

impl Judge<'_> {
    fn look(
        &mut self,
        object: &ListedObject,
        (is_marker, place): (bool, Place),
        selector: VersionSelector,
    ) {
        let kind = if is_marker {
            Kind::Marker
        } else {
            Kind::Object { size: object.size, tags: KnownTags::Unread }
        };
        let facts = Facts { key: &object.key, kind, last_modified: object.last_modified, place };
        if self.rules.expires(&facts, self.at)
            && let Ok(key) = ObjectKey::parse(&object.key)
        {
            self.due.versions.push((key, selector));
        }
    }
}
