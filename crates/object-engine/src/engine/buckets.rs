//! Buckets.
//!
//! Guarantees: a bucket that is deleted was empty at that moment, and nothing is added to it
//! afterwards: deleting swaps it to `deleting`, looks, then removes the record or reverts. Incomplete
//! uploads do not keep a bucket (as on AWS); they are removed with it. Settings and versioning of one
//! bucket change one at a time. A bucket with Object Lock is versioned, from the commit that gives it
//! the lock and for good.

use std::collections::BTreeMap;

use crate::{
    catalog::{Commit, Direction, Expect, Read, Space, Stamp, Step},
    engine::{
        ATTEMPTS_MAX, ObjectEngine,
        at_work::{HalfDone, Patience},
    },
    error::EngineError,
    keys,
    model::{
        AccountId, Bucket, BucketName, BucketUid, ChangeBucket, CreateBucket, DeleteBucket,
        OBJECT_LOCK, Versioning,
    },
    record::{BucketRecord, BucketState, Malformed, encode_time},
};

impl ObjectEngine {
    /// Creates a bucket, unversioned and without settings.
    pub async fn create_bucket(
        &self,
        name: &BucketName,
        owner: &AccountId,
        region: &str,
    ) -> Result<CreateBucket, EngineError> {
        self.create_bucket_with(name, owner, region, &BTreeMap::new()).await
    }

    /// Creates a bucket that has these settings from its first moment; versioned, if Object Lock is
    /// one of them.
    pub async fn create_bucket_with(
        &self,
        name: &BucketName,
        owner: &AccountId,
        region: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<CreateBucket, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            if let Some(bucket) = self.bucket_at_rest(name).await? {
                return Ok(if bucket.owner == *owner {
                    CreateBucket::OwnedByYou(bucket)
                } else {
                    CreateBucket::OwnedByOther
                });
            }
            let mut record = self.new_bucket(name, owner, region);
            record.bucket.settings.clone_from(settings);
            if settings.contains_key(OBJECT_LOCK) {
                record.bucket.versioning = Versioning::Enabled;
            }
            let mut commit = Commit::default();
            commit.check(keys::bucket(name), Expect::Absent);
            commit.put(keys::bucket(name), record.encode());
            if self.commit(commit).await?
                && let Some(bucket) = self.bucket(name).await?
                && bucket.uid == record.bucket.uid
            {
                return Ok(CreateBucket::Created(bucket));
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    fn new_bucket(&self, name: &BucketName, owner: &AccountId, region: &str) -> BucketRecord {
        let bucket = Bucket {
            name: name.clone(),
            uid: BucketUid(self.draw()),
            owner: owner.clone(),
            created: self.now(),
            region: region.to_owned(),
            versioning: Versioning::Unversioned,
            settings: Default::default(),
            stamp: Stamp(0), // not stored; readers get the record's own
        };
        BucketRecord { bucket, state: BucketState::Active }
    }

    /// The bucket of this name. One that is being deleted is still there.
    pub async fn bucket(&self, name: &BucketName) -> Result<Option<Bucket>, EngineError> {
        Ok(self.bucket_record(name).await?.map(|record| record.bucket))
    }

    pub(super) async fn bucket_record(
        &self,
        name: &BucketName,
    ) -> Result<Option<BucketRecord>, EngineError> {
        let mut found = self.inner.backends.catalog.read(&[Read::Get(keys::bucket(name))]).await?;
        let Some((_, entry)) = found.pop().flatten() else { return Ok(None) };
        Ok(Some(BucketRecord::decode(&entry.value, name, entry.stamp)?))
    }

    /// All buckets, or those of one owner, by name.
    pub async fn buckets(&self, owner: Option<&AccountId>) -> Result<Vec<Bucket>, EngineError> {
        let mut found: Vec<Result<BucketRecord, Malformed>> = Vec::new();
        let mut visitor = |key: &[u8], stamp, value: &[u8]| {
            let Some(name) = key.strip_prefix(b"b/") else { return Step::Stop };
            found.push(decode_named(name, value, stamp));
            Step::Next
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Index, b"b/", Direction::Forward, &mut visitor).await?;
        let mut buckets = Vec::with_capacity(found.len());
        for record in found {
            let bucket = record?.bucket;
            if owner.is_none_or(|owner| bucket.owner == *owner) {
                buckets.push(bucket);
            }
        }
        Ok(buckets)
    }

    /// Deletes a bucket that holds neither versions nor delete markers.
    pub async fn delete_bucket(&self, bucket: &Bucket) -> Result<DeleteBucket, EngineError> {
        // Most refusals are told apart without stopping anybody's writes.
        if self.holds_versions(bucket.uid).await? {
            let current = self.bucket(&bucket.name).await?;
            let is_there = current.is_some_and(|current| current.uid == bucket.uid);
            return Ok(if is_there { DeleteBucket::NotEmpty } else { DeleteBucket::NoSuchBucket });
        }
        for _ in 0..ATTEMPTS_MAX {
            let mut working = self.inner.at_work.begin(bucket.uid.0).await?;
            let record = self.bucket_record(&bucket.name).await?;
            let Some(record) = record.filter(|record| record.bucket.uid == bucket.uid) else {
                return Ok(DeleteBucket::NoSuchBucket);
            };
            if record.state != BucketState::Active {
                drop(working);
                self.bucket_at_rest(&bucket.name).await?;
                continue;
            }
            working.begins(HalfDone::Bucket(bucket.name.clone()));
            if let Some(stamp) = self.begin_deleting(&record).await? {
                let outcome = self.finish_delete_bucket(record, stamp).await?;
                working.ends();
                return Ok(outcome);
            }
            working.ends();
            drop(working);
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    /// Swaps a bucket to `deleting`; `None` if its record changed meanwhile.
    async fn begin_deleting(&self, record: &BucketRecord) -> Result<Option<Stamp>, EngineError> {
        let mut commit = Commit::default();
        let by = self.sign(&mut commit).await?;
        let state = BucketState::Deleting { by };
        let deleting = BucketRecord { bucket: record.bucket.clone(), state };
        let key = keys::bucket(&record.bucket.name);
        commit.check(key.clone(), Expect::Stamp(record.bucket.stamp)).put(key, deleting.encode());
        self.commit_stamped(commit).await
    }

    /// Decides about a bucket that the write of `stamp` turned to `deleting`: nothing is added to it while
    /// that write stands.
    async fn finish_delete_bucket(
        &self,
        mut record: BucketRecord,
        stamp: Stamp,
    ) -> Result<DeleteBucket, EngineError> {
        record.bucket.stamp = stamp;
        let is_empty = self.holds_versions(record.bucket.uid).await.map(|holds| !holds);
        if !matches!(is_empty, Ok(true)) {
            self.turn_bucket(&record, BucketState::Active).await?;
            return is_empty.map(|_| DeleteBucket::NotEmpty);
        }
        let mut commit = Commit::default();
        let key = keys::bucket(&record.bucket.name);
        commit.check(key.clone(), Expect::Stamp(stamp)).delete(key);
        commit.put(keys::removed_bucket(record.bucket.uid), encode_time(self.now()));
        if self.commit(commit).await? {
            Ok(DeleteBucket::Deleted)
        } else {
            // Another engine took this one for dead and reverted its work.
            Err(EngineError::Busy)
        }
    }

    /// Reverts a bucket's deletion, unless another engine is at it. The caller has begun work on the bucket.
    pub(super) async fn revert_deletion(&self, name: &BucketName) -> Result<(), EngineError> {
        if let Some(record) = self.bucket_record(name).await?
            && let BucketState::Deleting { by } = record.state
            && !self.is_elsewhere(by).await?
        {
            self.turn_bucket(&record, BucketState::Active).await?;
        }
        Ok(())
    }

    /// Swaps a bucket's state; `false` if its record changed meanwhile.
    pub(super) async fn turn_bucket(
        &self,
        record: &BucketRecord,
        state: BucketState,
    ) -> Result<bool, EngineError> {
        let turned = BucketRecord { bucket: record.bucket.clone(), state };
        self.swap_bucket(&turned).await
    }

    /// Writes `record` over the one that it was read from.
    async fn swap_bucket(&self, record: &BucketRecord) -> Result<bool, EngineError> {
        let key = keys::bucket(&record.bucket.name);
        let mut commit = Commit::default();
        commit.check(key.clone(), Expect::Stamp(record.bucket.stamp)).put(key, record.encode());
        self.commit(commit).await
    }

    /// The bucket, after any deletion of it has ended: one that nobody is at any more is reverted.
    pub(super) async fn bucket_at_rest(
        &self,
        name: &BucketName,
    ) -> Result<Option<Bucket>, EngineError> {
        let mut patience = Patience::default();
        loop {
            let Some(record) = self.bucket_record(name).await? else { return Ok(None) };
            let BucketState::Deleting { by } = record.state else {
                return Ok(Some(record.bucket));
            };
            if self.is_elsewhere(by).await? {
                patience.wait().await?;
                continue;
            }
            let _working = self.inner.at_work.begin(record.bucket.uid.0).await?;
            self.revert_deletion(name).await?;
        }
    }

    async fn holds_versions(&self, bucket: BucketUid) -> Result<bool, EngineError> {
        let scope = keys::scope(b"v/", bucket);
        let first = crate::catalog::Key { space: Space::Records, bytes: scope };
        let found = self.inner.backends.catalog.read(&[Read::First(first)]).await?;
        Ok(found.into_iter().any(|found| found.is_some()))
    }

    /// Sets whether old versions are kept. `false`: no such bucket, or one whose Object Lock refuses.
    pub async fn set_versioning(
        &self,
        bucket: &Bucket,
        versioning: Versioning,
    ) -> Result<bool, EngineError> {
        Ok(self.change_versioning(bucket, versioning).await? == ChangeBucket::Changed)
    }

    /// Sets whether old versions are kept; refused if Object Lock needs them.
    ///
    /// A bucket that was ever versioned is suspended by `Unversioned`: S3 knows no way back.
    pub async fn change_versioning(
        &self,
        bucket: &Bucket,
        versioning: Versioning,
    ) -> Result<ChangeBucket, EngineError> {
        let change = |current: &mut Bucket| {
            current.versioning = match (current.versioning, versioning) {
                (Versioning::Unversioned, wanted) => wanted,
                (_, Versioning::Unversioned) => Versioning::Suspended,
                (_, wanted) => wanted,
            };
            let is_locked = current.settings.contains_key(OBJECT_LOCK);
            !is_locked || current.versioning == Versioning::Enabled
        };
        self.change_bucket(bucket, &change).await
    }

    /// Gives a bucket Object Lock, or another document of it; refused unless the bucket is versioned.
    pub async fn set_object_lock(
        &self,
        bucket: &Bucket,
        document: &str,
    ) -> Result<ChangeBucket, EngineError> {
        let change = |current: &mut Bucket| {
            current.settings.insert(OBJECT_LOCK.to_owned(), document.to_owned());
            current.versioning == Versioning::Enabled
        };
        self.change_bucket(bucket, &change).await
    }

    /// Sets or, with `None`, removes a setting. `false`: no such bucket. Object Lock is set by
    /// [`Self::set_object_lock`].
    pub async fn set_setting(
        &self,
        bucket: &Bucket,
        name: &str,
        value: Option<String>,
    ) -> Result<bool, EngineError> {
        self.change_setting(bucket, name, &|_| value.clone()).await
    }

    /// Sets a setting to what `change` makes of the one that stands there, in one step: of two changes
    /// at once, the second sees the first. `false`: no such bucket.
    pub async fn change_setting(
        &self,
        bucket: &Bucket,
        name: &str,
        change: &(dyn Fn(Option<&str>) -> Option<String> + Sync),
    ) -> Result<bool, EngineError> {
        assert!(name != OBJECT_LOCK, "Object Lock has a verb of its own");
        let change = |current: &mut Bucket| {
            match change(current.settings.get(name).map(String::as_str)) {
                Some(value) => drop(current.settings.insert(name.to_owned(), value)),
                None => drop(current.settings.remove(name)),
            }
            true
        };
        Ok(self.change_bucket(bucket, &change).await? == ChangeBucket::Changed)
    }

    /// Changes a bucket's record; `change` says whether its result may be written.
    async fn change_bucket(
        &self,
        bucket: &Bucket,
        change: &(dyn Fn(&mut Bucket) -> bool + Sync),
    ) -> Result<ChangeBucket, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(mut current) = self.bucket_at_rest(&bucket.name).await? else {
                return Ok(ChangeBucket::NoSuchBucket);
            };
            if current.uid != bucket.uid {
                return Ok(ChangeBucket::NoSuchBucket);
            }
            if !change(&mut current) {
                return Ok(ChangeBucket::Refused);
            }
            let record = BucketRecord { bucket: current, state: BucketState::Active };
            if self.swap_bucket(&record).await? {
                return Ok(ChangeBucket::Changed);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }
}

pub(super) fn decode_named(
    name: &[u8],
    value: &[u8],
    stamp: Stamp,
) -> Result<BucketRecord, Malformed> {
    let name = std::str::from_utf8(name).ok().and_then(|name| BucketName::parse(name).ok());
    BucketRecord::decode(value, &name.ok_or(Malformed("bucket"))?, stamp)
}
