//! What the rules say of one version, or of one upload.
//!
//! Guarantees: pure: facts and a moment in, a verdict out. Where several rules apply, the earliest
//! expiry counts, as on S3.
//! Does not: know of Object Lock; the engine keeps what is locked.

use object_engine::{
    clock::Timestamp,
    engine::Standing,
    model::{StoredObject, VersionKind},
};

use super::{Configuration, DayLength, Expiration, Filter, Rule};

/// What is judged.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The key.
    pub key: &'a str,
    /// An object or a delete marker.
    pub kind: Kind<'a>,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Where it stands among its key's versions.
    pub place: Place,
}

/// What a version is.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    /// A delete marker: it has neither size nor tags.
    Marker,
    /// An object.
    Object {
        /// Plaintext bytes.
        size: u64,
        /// Its tags.
        tags: KnownTags<'a>,
    },
}

/// Tags, as far as they were read.
#[derive(Clone, Copy, Debug)]
pub enum KnownTags<'a> {
    /// These.
    Are(&'a [(String, String)]),
    /// Listings do not show them: any filter may fit.
    Unread,
}

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is its key's newest.
    Newest {
        /// And the only one.
        is_only: bool,
    },
    /// Others are newer.
    Noncurrent {
        /// When the one above it was written.
        superseded: Timestamp,
        /// How many are newer, the newest among them.
        newer: usize,
    },
}

/// When it is judged, and how long days are.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// The length of a day.
    pub day: DayLength,
}

impl<'a> Facts<'a> {
    /// Those of a version in the engine.
    pub fn of(standing: &'a Standing) -> Self {
        let version = &standing.version;
        Self {
            key: version.key.as_str(),
            kind: match &version.kind {
                VersionKind::DeleteMarker => Kind::Marker,
                VersionKind::Object(object) => Kind::of(object),
            },
            last_modified: version.last_modified,
            place: match standing.superseded {
                None => Place::Newest { is_only: standing.is_only },
                Some(superseded) => Place::Noncurrent { superseded, newer: standing.newer },
            },
        }
    }
}

impl<'a> Kind<'a> {
    /// That of an object.
    pub fn of(object: &'a StoredObject) -> Self {
        Self::Object { size: object.size, tags: KnownTags::Are(&object.attached.tags) }
    }
}

impl Configuration {
    /// Whether a rule wants it deleted by now.
    pub fn expires(&self, facts: &Facts<'_>, at: Moment) -> bool {
        let mut due = self.enabled().filter_map(|rule| rule.due(facts, at.day));
        due.any(|due| due <= at.now)
    }

    /// When a newest object expires, and by which rule: what `x-amz-expiration` tells.
    pub(crate) fn expiry(&self, facts: &Facts<'_>) -> Option<(Timestamp, &str)> {
        let due = |rule: &Rule| rule.due(facts, DayLength::Calendar);
        earliest(self.enabled().filter_map(|rule| Some((due(rule)?, rule.id.as_str()))))
    }

    /// When an upload is aborted, and by which rule.
    pub(crate) fn abort(
        &self,
        key: &str,
        initiated: Timestamp,
        day: DayLength,
    ) -> Option<(Timestamp, &str)> {
        let covers = |rule: &&Rule| rule.filter.covers_key(key);
        earliest(self.enabled().filter(covers).filter_map(|rule| {
            Some((day.after(initiated, rule.abort_after_days?), rule.id.as_str()))
        }))
    }

    /// The prefixes under which objects must be looked at: none inside another, in order of key.
    pub(super) fn object_prefixes(&self) -> Vec<&str> {
        let looks = |rule: &&Rule| rule.expiration.is_some() || rule.noncurrent.is_some();
        disjoint(self.enabled().filter(looks))
    }

    /// The prefixes under which uploads must be looked at.
    pub(super) fn upload_prefixes(&self) -> Vec<&str> {
        disjoint(self.enabled().filter(|rule| rule.abort_after_days.is_some()))
    }

    fn enabled(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.enabled)
    }
}

impl Rule {
    /// When this rule deletes a version, if ever.
    fn due(&self, facts: &Facts<'_>, day: DayLength) -> Option<Timestamp> {
        if !self.filter.covers(facts) {
            return None;
        }
        match (facts.place, facts.kind) {
            (Place::Newest { .. }, Kind::Object { .. }) => match self.expiration? {
                Expiration::Days(days) => Some(day.after(facts.last_modified, days)),
                Expiration::Date(date) => Some(date),
                Expiration::LoneMarkers(_) => None,
            },
            (Place::Newest { is_only: true }, Kind::Marker) => match self.expiration? {
                Expiration::LoneMarkers(true) => Some(facts.last_modified),
                // A rule in days cleans up after itself; S3 says nothing like it of dates.
                Expiration::Days(days) => Some(day.after(facts.last_modified, days)),
                Expiration::LoneMarkers(false) | Expiration::Date(_) => None,
            },
            (Place::Newest { is_only: false }, Kind::Marker) => None,
            (Place::Noncurrent { superseded, newer }, _) => {
                let noncurrent = self.noncurrent?;
                // The newest version is not among those that are kept.
                let is_beyond = newer > noncurrent.keep.unwrap_or(0) as usize;
                is_beyond.then(|| day.after(superseded, noncurrent.days))
            }
        }
    }
}

impl Filter {
    fn covers_key(&self, key: &str) -> bool {
        self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
    }

    fn covers(&self, facts: &Facts<'_>) -> bool {
        self.covers_key(facts.key)
            && match facts.kind {
                Kind::Marker => !self.has_tags() && !self.has_sizes(),
                Kind::Object { size, tags } => self.covers_size(size) && self.covers_tags(tags),
            }
    }

    fn covers_size(&self, size: u64) -> bool {
        self.larger_than.is_none_or(|bound| size > bound)
            && self.smaller_than.is_none_or(|bound| size < bound)
    }

    fn covers_tags(&self, tags: KnownTags<'_>) -> bool {
        match tags {
            KnownTags::Are(tags) => self.tags.iter().all(|wanted| tags.contains(wanted)),
            KnownTags::Unread => true,
        }
    }

    pub(super) fn has_tags(&self) -> bool {
        !self.tags.is_empty()
    }

    pub(super) fn has_sizes(&self) -> bool {
        self.larger_than.is_some() || self.smaller_than.is_some()
    }
}

/// The first of the earliest.
fn earliest<'r>(found: impl Iterator<Item = (Timestamp, &'r str)>) -> Option<(Timestamp, &'r str)> {
    found.min_by_key(|(due, _)| *due)
}

fn disjoint<'r>(rules: impl Iterator<Item = &'r Rule>) -> Vec<&'r str> {
    let mut prefixes: Vec<&str> =
        rules.map(|rule| rule.filter.prefix.as_deref().unwrap_or_default()).collect();
    prefixes.sort_unstable();
    prefixes.dedup_by(|later, earlier| later.starts_with(*earlier));
    prefixes
}

#[cfg(test)]
mod tests;
