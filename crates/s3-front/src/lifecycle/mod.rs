//! Lifecycle: rules that expire objects, versions, delete markers and uploads.
//!
//! Guarantees: a [`Configuration`] that exists is one that S3 accepts and that this server keeps;
//! what a rule says of an object is decided in one place, for the worker and for the headers.
//! Does not: transition objects between storage classes; such rules are refused.

mod calendar;
mod document;
mod evaluate;
mod notes;
mod parse;
mod walk;
mod worker;

use object_engine::{clock::Timestamp, error::EngineError, model::Bucket};

pub use calendar::DayLength;
pub use evaluate::{Facts, Kind, KnownTags, Moment, Place};
pub use worker::{LifecycleWorker, Pass};

/// The setting of a bucket under which its rules are kept.
pub(crate) const SETTING: &str = "lifecycle";

/// A bucket's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    pub(crate) rules: Vec<Rule>,
    pub(crate) transition_minimum: TransitionMinimum,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) enabled: bool,
    pub(crate) filter: Filter,
    pub(crate) expiration: Option<Expiration>,
    pub(crate) noncurrent: Option<Noncurrent>,
    /// Incomplete uploads end so many days after they began.
    pub(crate) abort_after_days: Option<u32>,
}

/// Which objects a rule is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) form: Form,
    pub(crate) prefix: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) larger_than: Option<u64>,
    pub(crate) smaller_than: Option<u64>,
}

/// How a filter was written, and is shown again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// `Rule/Prefix`, as before there were filters.
    Legacy,
    /// `Filter` with one predicate or none.
    #[default]
    One,
    /// `Filter/And`.
    And,
}

/// What becomes of newest versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiration {
    /// So many days after they were written.
    Days(u32),
    /// From this midnight on.
    Date(Timestamp),
    /// Delete markers without any version below them go, or (`false`) stay.
    LoneMarkers(bool),
}

/// What becomes of noncurrent versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noncurrent {
    /// So many days after another took their place.
    pub(crate) days: u32,
    /// But not the newest so many; 0 to 100.
    pub(crate) keep: Option<u32>,
}

/// `x-amz-transition-default-minimum-object-size`: kept and shown; without transitions it does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TransitionMinimum {
    #[default]
    All128K,
    VariesByStorageClass,
}

impl TransitionMinimum {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::All128K, Self::VariesByStorageClass].into_iter().find(|one| one.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All128K => "all_storage_classes_128K",
            Self::VariesByStorageClass => "varies_by_storage_class",
        }
    }
}

impl Configuration {
    /// The bucket's rules. A document that this server stored and can no longer read is damage.
    pub fn of(bucket: &Bucket) -> Result<Option<Self>, EngineError> {
        let Some(document) = bucket.settings.get(SETTING) else { return Ok(None) };
        let damaged =
            |_| EngineError::Damaged(format!("the setting {SETTING} of bucket {}", bucket.name));
        Self::stored(document).map(Some).map_err(damaged)
    }
}
