//! What an object of the backend is called.
//!
//! ```text
//! <prefix>/<id>>12, 13 hex digits>/<id, 16 hex digits>/head       header and last stored bytes
//! <prefix>/<id>>12, 13 hex digits>/<id, 16 hex digits>/<8 digits> a segment of the bytes before them
//! <prefix>/installation                                           whose prefix this is
//! ```
//! Guarantees: the ids of one leased range of 4,096 share a prefix, so that a sweep of it is one listing;
//! everything of a blob shares a prefix too, so that deleting it needs no knowledge of its length.

use object_engine::blobs::{BlobId, installation::MARK};
use object_store::path::Path;

/// Ids that share a prefix: 2 to this power, as the engine leases them.
const LEASE_BITS: u32 = 12;

/// The names below one prefix of a bucket or container.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: Path,
}

impl Names {
    pub(crate) fn below(prefix: &str) -> Self {
        Self { prefix: Path::from(prefix) }
    }

    /// Everything there is.
    pub(crate) fn all(&self) -> &Path {
        &self.prefix
    }

    /// The object that says whose prefix this is.
    pub(crate) fn mark(&self) -> Path {
        self.prefix.clone().join(MARK)
    }

    /// Everything of a leased range, by [`lease_of`].
    pub(crate) fn lease(&self, lease: u64) -> Path {
        self.prefix.clone().join(format!("{lease:013x}"))
    }

    /// Everything of a blob.
    pub(crate) fn blob(&self, id: BlobId) -> Path {
        self.lease(lease_of(id)).join(format!("{:016x}", id.0))
    }

    /// The object without which a blob does not exist.
    pub(crate) fn head(&self, id: BlobId) -> Path {
        self.blob(id).join("head")
    }

    /// The object of the `index`-th segment.
    pub(crate) fn segment(&self, id: BlobId, index: usize) -> Path {
        self.blob(id).join(format!("{index:08}"))
    }

    /// The blob that an object belongs to; `None` for what is not ours.
    pub(crate) fn id_of(&self, object: &Path) -> Option<BlobId> {
        let mut parts = object.prefix_match(&self.prefix)?;
        let lease = parts.next().and_then(|part| hexadecimal(part.as_ref(), 13))?;
        let id = parts.next().and_then(|part| hexadecimal(part.as_ref(), 16)).map(BlobId)?;
        (lease_of(id) == lease).then_some(id)
    }
}

/// The leased range of an id.
pub(crate) fn lease_of(id: BlobId) -> u64 {
    id.0 >> LEASE_BITS
}

fn hexadecimal(text: &str, digits: usize) -> Option<u64> {
    let fits = text.len() == digits
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    fits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_blob_and_a_strangers_to_none() {
        let names = Names::below("deep/er");
        let id = BlobId(0x12_3456);
        assert_eq!(names.head(id).as_ref(), "deep/er/0000000000123/0000000000123456/head");
        for object in [names.head(id), names.segment(id, 7)] {
            assert_eq!(names.id_of(&object), Some(id));
            assert!(object.prefix_matches(&names.blob(id)));
            assert!(object.prefix_matches(&names.lease(lease_of(id))));
        }
        for stranger in [
            "deep/er/readme",
            "deep/er/installation",
            "deep/er/0000000000124/0000000000123456/head",
            "deep/er/0000000000123/000000000012345G/head",
            "other/0000000000123/0000000000123456/head",
        ] {
            assert_eq!(names.id_of(&Path::from(stranger)), None, "{stranger}");
        }
    }
}
