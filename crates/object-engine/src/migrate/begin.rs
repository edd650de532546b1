//! How a migration begins, or is found begun.
//!
//! Guarantees: it begins only from a whole source into an empty target; what is begun goes on only from the
//! same state of the same source; only the source's own blobs are read, and none is written before the target's
//! carry the mark of what the target becomes.

use bytes::Bytes;

use super::{
    BlobsMove, MigrateError, MigrateOptions, Refusal, Side, committed, get,
    journal::{Journal, Source, Summary},
    source, target,
};
use crate::{
    catalog::{Catalog, CatalogError, Commit, Direction, Entry, Expect, Space, Stamp, Step},
    engine::recover::SCHEMA,
    entropy::random_16,
    keys,
    record::{Installation, decode_number},
};

/// What is found at the beginning.
pub(super) enum Begun {
    /// Everything was done before.
    Already(Summary),
    /// There is something to do.
    AtWork(Journal, Stamp),
}

pub(super) async fn begin(
    from: &Side,
    to: &Side,
    options: &MigrateOptions,
) -> Result<Begun, MigrateError> {
    let blobs_stay = options.blobs == BlobsMove::Stay;
    if blobs_stay && !options.retire {
        return Err(Refusal::NotRetired.into());
    }
    let (state, retired) = inspect(&*from.catalog).await?;
    if let Some(origin) = noted(to, keys::origin()).await?
        && origin.0.source == state
    {
        return Ok(Begun::Already(origin.0.summary));
    }
    check_source_blobs(from).await?;
    let begun = noted(to, keys::journal()).await?;
    // Retired by the very run that died before its last commit, a source is still this migration's.
    let ours = begun.as_ref().map(|(journal, _)| &journal.id[..]);
    if retired.is_some_and(|id| Some(&id[..]) != ours) {
        return Err(Refusal::SourceRetired.into());
    }
    match begun {
        Some((journal, _)) if journal.source != state => Err(Refusal::SourceServed.into()),
        Some((journal, _)) if journal.blobs_stay != blobs_stay => Err(Refusal::OtherBlobs.into()),
        Some((journal, stamp)) => at_work(to, journal, stamp).await,
        None => {
            let id = random_16(&*options.entropy);
            let journal = Journal::new(id, state, blobs_stay);
            let stamp = begin_anew(to, &journal).await?;
            at_work(to, journal, stamp).await
        }
    }
}

/// Refuses blobs that carry the mark of another installation than the source's. That they carry none is no reason:
/// the source may not have been served since there were marks, or be a backup that lacks it.
async fn check_source_blobs(from: &Side) -> Result<(), MigrateError> {
    let ours = get(&*from.catalog, keys::installation()).await.map_err(source)?;
    let Some(ours) = ours else { return Ok(()) };
    let ours = Installation::decode(&ours.value).map_err(source)?.id;
    match from.blobs.installation().await.map_err(source)? {
        Some(found) if found != ours => Err(Refusal::SourceBlobsOfAnother(found).into()),
        _ => Ok(()),
    }
}

/// Marks the target's blobs, if none of it was done or a run died before it did; those that stay have their mark.
async fn at_work(to: &Side, journal: Journal, stamp: Stamp) -> Result<Begun, MigrateError> {
    if !journal.blobs_stay {
        let ours = journal.installation();
        let found = to.blobs.claim(ours).await.map_err(target)?;
        if found != ours {
            return Err(Refusal::TargetBlobsOfAnother(found).into());
        }
    }
    Ok(Begun::AtWork(journal, stamp))
}

/// The state of the source, and which migration retired it.
async fn inspect(catalog: &dyn Catalog) -> Result<(Source, Option<Bytes>), MigrateError> {
    let found = |key| async { get(catalog, key).await.map_err(source) };
    let number = |entry: &Entry| decode_number(&entry.value).map_err(source);
    let schema = found(keys::schema()).await?;
    if found(keys::journal()).await?.is_some() {
        return Err(Refusal::SourceNotWhole.into());
    }
    match schema.as_ref().map(number).transpose()? {
        None => return Err(Refusal::NoSource.into()),
        Some(SCHEMA) => {}
        Some(other) => return Err(Refusal::UnknownSchema(other).into()),
    }
    let lease = found(keys::next_lease()).await?;
    let state = Source {
        leases: lease.as_ref().map(number).transpose()?.unwrap_or_default(),
        stamp: lease.map_or(0, |entry| entry.stamp.0),
        roots: roots(catalog).await.map_err(source)?,
    };
    let retired = found(keys::retired()).await?;
    Ok((state, retired.map(|entry| entry.value)))
}

/// A checksum over what stands before the heads: accounts, access keys and buckets.
async fn roots(catalog: &dyn Catalog) -> Result<u64, CatalogError> {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme);
    let mut visitor = |key: &[u8], _: Stamp, value: &[u8]| {
        if key >= &b"h/"[..] {
            return Step::Stop;
        }
        digest.update(key);
        digest.update(value);
        Step::Next
    };
    catalog.walk(Space::Index, b"", Direction::Forward, &mut visitor).await?;
    Ok(digest.finalize())
}

/// A journal of the target.
async fn noted(
    to: &Side,
    key: crate::catalog::Key,
) -> Result<Option<(Journal, Stamp)>, MigrateError> {
    let entry = get(&*to.catalog, key).await.map_err(target)?;
    let decoded = entry.map(|entry| Ok((Journal::decode(&entry.value)?, entry.stamp)));
    decoded.transpose().map_err(|error: crate::record::Malformed| target(error))
}

async fn begin_anew(to: &Side, journal: &Journal) -> Result<Stamp, MigrateError> {
    for space in [Space::Index, Space::Records, Space::Inline] {
        if !is_empty(&*to.catalog, space).await.map_err(target)? {
            return Err(Refusal::TargetCatalogTaken.into());
        }
    }
    if !journal.blobs_stay {
        if let Some(found) = to.blobs.installation().await.map_err(target)? {
            return Err(Refusal::TargetBlobsOfAnother(found).into());
        }
        if !to.blobs.is_empty().await.map_err(target)? {
            return Err(Refusal::TargetBlobsTaken.into());
        }
    }
    let mut commit = Commit::default();
    commit.check(keys::journal(), Expect::Absent).put(keys::journal(), journal.encode());
    committed(to, commit).await
}

async fn is_empty(catalog: &dyn Catalog, space: Space) -> Result<bool, CatalogError> {
    let mut is_empty = true;
    let mut visitor = |_: &[u8], _: Stamp, _: &[u8]| {
        is_empty = false;
        Step::Stop
    };
    catalog.walk(space, b"", Direction::Forward, &mut visitor).await?;
    Ok(is_empty)
}
