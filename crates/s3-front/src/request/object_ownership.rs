//! Object ownership: whose new objects are, and whether ACLs mean anything.
//!
//! Guarantees: a bucket that says nothing is `BucketOwnerEnforced`; so is one whose setting cannot be
//! read, since that lets in fewest.
//! Does not: decide about requests; `service::acls` does.

use object_engine::model::Bucket;

/// The setting of a bucket under which it is kept; absent: enforced.
pub(crate) const OBJECT_OWNERSHIP: &str = "object-ownership";

/// What is kept of a bucket whose controls were deleted: it is as buckets were before there were any.
const DELETED: &str = "none";

/// A bucket's object ownership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObjectOwnership {
    /// ACLs are disabled; the bucket's owner owns every object.
    #[default]
    BucketOwnerEnforced,
    /// ACLs are enabled; what is written with `bucket-owner-full-control` is the bucket owner's.
    BucketOwnerPreferred,
    /// ACLs are enabled; who writes an object owns it.
    ObjectWriter,
}

impl ObjectOwnership {
    const ALL: [Self; 3] =
        [Self::BucketOwnerEnforced, Self::BucketOwnerPreferred, Self::ObjectWriter];

    /// The name in documents and headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// What holds in a bucket.
    pub(crate) fn of(bucket: &Bucket) -> Self {
        match bucket.settings.get(OBJECT_OWNERSHIP).map(String::as_str) {
            None => Self::BucketOwnerEnforced,
            Some(DELETED) => Self::ObjectWriter,
            Some(name) => Self::from_name(name).unwrap_or_default(),
        }
    }

    /// What GetBucketOwnershipControls shows of a bucket; `None` once the controls were deleted.
    pub(crate) fn shown(bucket: &Bucket) -> Option<Self> {
        let kept = bucket.settings.get(OBJECT_OWNERSHIP);
        (kept.map(String::as_str) != Some(DELETED)).then(|| Self::of(bucket))
    }

    /// How it is kept.
    pub(crate) fn kept(self) -> Option<String> {
        (self != Self::BucketOwnerEnforced).then(|| self.name().to_owned())
    }

    /// How it is kept that the controls were deleted.
    pub(crate) fn deleted() -> Option<String> {
        Some(DELETED.to_owned())
    }

    /// Whether ACLs mean anything.
    pub(crate) fn has_acls(self) -> bool {
        self != Self::BucketOwnerEnforced
    }
}
