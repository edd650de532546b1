//! The blob contract over object stores: S3 and what speaks its protocol, Azure, Google.
//!
//! Guarantees, beside the contract of [`object_engine::blobs`]:
//! - A blob exists once its head is stored, and the head is stored last: no half blob is ever readable.
//! - It is durable by the backend's own promise for an object that it has acknowledged.
//! - It is cut into objects of a few MiB (`segment_mib`), so any backend takes any blob, a failed put is
//!   put again from memory, and nothing is ever left where a listing does not show it.
//! - Memory comes out of the engine's [`BufferPool`]: where that is spent, objects get shorter.
//!
//! Does not: choose among writers. Blob ids are leased, so one server writes below a lease at a time; that
//! server looks once into a lease that it begins to use, and refuses names that are taken. Two installations
//! must not share a prefix, where each would take the other's blobs for its own garbage: the mark tells whose it is.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    fmt,
    ops::Range,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_engine::blobs::{
    BlobError, BlobId, BlobReader, BlobStore, BlobWriter, buffers::BufferPool,
    installation::InstallationId,
};
use object_store::{Error, ObjectStore, path::Path};
use tokio::sync::Notify;

mod failure;
mod head;
mod location;
mod mark;
mod names;
mod reader;
mod transport;
mod writer;

pub use location::{InvalidLocation, Location};

use failure::unavailable;
use names::{Names, lease_of};
use reader::CloudReader;
use writer::CloudWriter;

/// Leases whose names are remembered: more than a server writes into at the same time.
const LEASES_KNOWN_MAX: usize = 4;

/// Up to this many leases are listed one by one; a larger range is picked out of everything.
const LEASES_LISTED_MAX: u64 = 16;

/// How a store is used.
#[derive(Clone, Debug)]
pub struct CloudOptions {
    /// Where blocks come from; its budget bounds write-ahead.
    pub buffers: BufferPool,
    /// The longest object written, in bytes, but for one block and the head's own bytes.
    pub segment_bytes: usize,
}

/// Blobs below one prefix of a bucket or container. Clones share it.
#[derive(Clone, Debug)]
pub struct CloudBlobs(Arc<Volume>);

/// Operator: the store cannot be used. Names no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use the blobs at {location}: {detail}")]
pub struct Unusable {
    location: String,
    detail: String,
}

/// What a store, its writers and its readers share.
struct Volume {
    store: Arc<dyn ObjectStore>,
    names: Names,
    options: CloudOptions,
    /// Blobs of which something may still be stored.
    under_way: Mutex<HashMap<BlobId, UnderWay>>,
    /// Told when a dropped writer's blob is under way no more.
    ended: Notify,
    /// The names taken in the leases that were written to last.
    known: tokio::sync::Mutex<VecDeque<(u64, HashSet<BlobId>)>>,
}

/// Why something of a blob may still be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnderWay {
    /// It is being written.
    Written,
    /// Its writer was dropped, and puts that it began have not ended.
    Abandoned,
}

impl CloudBlobs {
    /// Opens the store at `location` and lists a name there, so that wrong credentials show at once.
    /// `environment` holds the providers' variables; `buffers` is the engine's pool.
    pub async fn open(
        location: &Location,
        environment: impl Iterator<Item = (String, String)>,
        buffers: BufferPool,
    ) -> Result<Self, Unusable> {
        let shown = || format!("{location:?}");
        let store = location
            .connect(environment)
            .map_err(|detail| Unusable { location: shown(), detail })?;
        let options = CloudOptions { buffers, segment_bytes: location.segment_bytes };
        let blobs = Self::over(store, &location.prefix, options);
        let first = blobs.0.store.list(Some(blobs.0.names.all())).next().await;
        if let Some(Err(error)) = first
            && !matches!(error, Error::NotFound { .. })
        {
            let detail = unavailable(&error).to_string();
            return Err(Unusable { location: shown(), detail });
        }
        Ok(blobs)
    }

    /// Blobs in `store` below `prefix`.
    #[must_use]
    pub fn over(store: Arc<dyn ObjectStore>, prefix: &str, options: CloudOptions) -> Self {
        let (under_way, ended, known) = Default::default();
        let names = Names::below(prefix);
        Self(Arc::new(Volume { store, names, options, under_way, ended, known }))
    }
}

impl Volume {
    fn under_way(&self) -> MutexGuard<'_, HashMap<BlobId, UnderWay>> {
        // Every change is one insert or remove: a panic elsewhere leaves the map whole.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a writer stores no more of `id`.
    fn end(&self, id: BlobId) {
        self.under_way().remove(&id);
        self.ended.notify_waiters();
    }

    /// Waits for the puts that a dropped writer of `id` began: what they store is to be deleted, too.
    async fn abandoned(&self, id: BlobId) {
        loop {
            let mut ended = pin!(self.ended.notified());
            // Registered before looking, so that an end between looking and waiting is not missed.
            ended.as_mut().enable();
            if self.under_way().get(&id) != Some(&UnderWay::Abandoned) {
                return;
            }
            ended.await;
        }
    }

    /// Takes a name, in a lease that is listed when it is first written to.
    async fn take_name(&self, id: BlobId) -> Result<(), BlobError> {
        let lease = lease_of(id);
        let mut known = self.known.lock().await;
        if !known.iter().any(|(other, _)| *other == lease) {
            let ids = self.listed(&self.names.lease(lease)).await?;
            known.truncate(LEASES_KNOWN_MAX - 1);
            known.push_front((lease, ids.into_iter().collect()));
        }
        let taken = known.iter_mut().find(|(other, _)| *other == lease);
        let is_new = taken.is_some_and(|(_, ids)| ids.insert(id));
        if !is_new || self.under_way().contains_key(&id) {
            return Err(BlobError::Unavailable(format!("blob {id:?} exists already")));
        }
        self.under_way().insert(id, UnderWay::Written);
        Ok(())
    }

    /// The blobs of which anything is stored below `path`.
    async fn listed(&self, path: &Path) -> Result<BTreeSet<BlobId>, BlobError> {
        let mut found = BTreeSet::new();
        let mut objects = self.store.list(Some(path));
        while let Some(object) = objects.next().await {
            match object {
                Ok(object) => found.extend(self.names.id_of(&object.location)),
                Err(Error::NotFound { .. }) => {} // deleted meanwhile, or an empty directory
                Err(error) => return Err(unavailable(&error)),
            }
        }
        Ok(found)
    }

    async fn is_empty(&self) -> Result<bool, BlobError> {
        if !self.under_way().is_empty() {
            return Ok(false);
        }
        let mut objects = self.store.list(Some(self.names.all()));
        while let Some(object) = objects.next().await {
            match object {
                Ok(object) if self.names.id_of(&object.location).is_some() => return Ok(false),
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(unavailable(&error)),
            }
        }
        Ok(true)
    }

    /// Deletes all that is stored of a blob, its head first.
    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        let listed: Result<Vec<_>, _> =
            self.store.list(Some(&self.names.blob(id))).try_collect().await;
        let objects = match listed {
            Ok(objects) => objects.into_iter().map(|object| object.location),
            Err(Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(unavailable(&error)),
        };
        let head = self.names.head(id);
        let (heads, segments): (Vec<_>, Vec<_>) = objects.partition(|path| *path == head);
        self.delete_all(heads).await?;
        self.delete_all(segments).await?;
        if let Some((_, ids)) =
            self.known.lock().await.iter_mut().find(|(lease, _)| *lease == lease_of(id))
        {
            ids.remove(&id);
        }
        Ok(())
    }

    async fn delete_all(&self, paths: Vec<Path>) -> Result<(), BlobError> {
        let paths = futures_util::stream::iter(paths.into_iter().map(Ok)).boxed();
        let mut deleted = self.store.delete_stream(paths);
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(unavailable(&error)),
            }
        }
        Ok(())
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        let Some(last) = ids.end.checked_sub(1).filter(|_| !ids.is_empty()) else {
            return Ok(Vec::new());
        };
        let (first, last) = (lease_of(BlobId(ids.start)), lease_of(BlobId(last)));
        let mut found: BTreeSet<BlobId> = self.under_way().keys().copied().collect();
        if last - first < LEASES_LISTED_MAX {
            for lease in first..=last {
                found.extend(self.listed(&self.names.lease(lease)).await?);
            }
        } else {
            found.extend(self.listed(self.names.all()).await?);
        }
        Ok(found.into_iter().filter(|id| ids.contains(&id.0)).collect())
    }
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Volume").field("names", &self.names).finish_non_exhaustive()
    }
}

#[async_trait]
impl BlobStore for CloudBlobs {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.0.take_name(id).await?;
        Ok(Box::new(CloudWriter::new(Arc::clone(&self.0), id, length)))
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        Ok(Box::new(CloudReader::open(Arc::clone(&self.0), id, length).await?))
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.0.abandoned(id).await;
        self.0.delete(id).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        CloudReader::open(Arc::clone(&self.0), id, length).await?.scrub().await
    }

    async fn sums(&self, id: BlobId, length: u64) -> Result<Vec<u32>, BlobError> {
        Ok(CloudReader::open(Arc::clone(&self.0), id, length).await?.into_sums())
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        self.0.present(ids).await
    }

    /// Looks no further than the first blob: a prefix may hold more than can be listed in an hour.
    async fn is_empty(&self) -> Result<bool, BlobError> {
        self.0.is_empty().await
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        self.0.installation().await
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        self.0.claim(ours).await
    }
}
