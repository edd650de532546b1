//! The store itself: an engine, the server's own key and a source of randomness.
//!
//! Does not: hold any customer's key longer than one call.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use object_engine::{
    engine::ObjectEngine,
    model::{BodyId, Bucket, HolderKind, ObjectKey, VersionUid},
};
use sealed_format::{
    CustomerKey, Damaged, HolderKey, MasterKey, MasterUse, ObjectContext, Randomness, ServerKey,
};
use zeroize::Zeroizing;

use crate::error::UnlockError;

/// Seals and opens objects over an engine. Cheap to clone.
#[derive(Clone)]
pub struct SealedStore {
    pub(crate) inner: Arc<Inner>,
}

/// What a store shares with its clones.
pub(crate) struct Inner {
    pub(crate) engine: ObjectEngine,
    pub(crate) master: Arc<MasterKey>,
    pub(crate) random: Arc<dyn Randomness + Send + Sync>,
    /// Derived once: every object without a customer key is wrapped under it.
    pub(crate) server_key: ServerKey,
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore").finish_non_exhaustive()
    }
}

impl SealedStore {
    /// A store over `engine`, with the server's `master` key and a cryptographically secure `random`.
    pub fn new(
        engine: ObjectEngine,
        master: Arc<MasterKey>,
        random: Arc<dyn Randomness + Send + Sync>,
    ) -> Self {
        let server_key = master.server_key();
        Self { inner: Arc::new(Inner { engine, master, random, server_key }) }
    }

    /// The engine, for verbs that need no key: buckets, listings, deletes, tags, accounts.
    pub fn engine(&self) -> &ObjectEngine {
        &self.inner.engine
    }

    /// Seals a user's secret access key under the master key, bound to its access key id.
    pub fn seal_user_secret(&self, access_key_id: &str, secret: &[u8]) -> Bytes {
        let random = &*self.inner.random;
        let aad = access_key_id.as_bytes();
        self.inner.master.seal(MasterUse::UserSecret, aad, secret, random).into()
    }

    /// Opens what [`seal_user_secret`](Self::seal_user_secret) sealed.
    pub fn open_user_secret(
        &self,
        access_key_id: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        self.inner.master.open(MasterUse::UserSecret, access_key_id.as_bytes(), sealed)
    }

    /// The key that opens what `holder` holds, or why the one given cannot.
    pub(crate) fn holder_key<'k>(
        &'k self,
        holder: HolderKind,
        key: Option<&'k CustomerKey>,
    ) -> Result<HolderKey<'k>, UnlockError> {
        match (holder, key) {
            (HolderKind::Customer, Some(key)) => Ok(HolderKey::Customer(key)),
            (HolderKind::Customer, None) => Err(UnlockError::KeyRequired),
            (HolderKind::Server, None) => Ok(HolderKey::Server(&self.inner.server_key)),
            (HolderKind::Server, Some(_)) => Err(UnlockError::KeyNotApplicable),
        }
    }

    /// Whose key seals a new object: the customer's if one was given, else the server's own.
    pub(crate) fn new_holder<'k>(
        &'k self,
        key: Option<&'k CustomerKey>,
    ) -> (HolderKind, HolderKey<'k>) {
        match key {
            Some(key) => (HolderKind::Customer, HolderKey::Customer(key)),
            None => (HolderKind::Server, HolderKey::Server(&self.inner.server_key)),
        }
    }

    /// 16 random bytes for an identity.
    pub(crate) fn random_16(&self) -> [u8; 16] {
        let mut out = [0; 16];
        self.inner.random.fill(&mut out);
        out
    }
}

/// The identities that a sealed object is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a ObjectKey,
    pub(crate) version: &'a VersionUid,
    pub(crate) body: &'a BodyId,
}

impl<'a> Identity<'a> {
    /// The context that `sealed-format` binds keys to.
    pub(crate) fn context(self, holder: HolderKind) -> ObjectContext<'a> {
        ObjectContext {
            holder: format_holder(holder),
            bucket_uid: &self.bucket.uid.0,
            object_key: self.key.as_str(),
            version_uid: &self.version.0,
            body_id: &self.body.0,
        }
    }
}

/// The engine's word for a holder in the format's terms.
pub(crate) fn format_holder(holder: HolderKind) -> sealed_format::HolderKind {
    match holder {
        HolderKind::Customer => sealed_format::HolderKind::Customer,
        HolderKind::Server => sealed_format::HolderKind::Server,
    }
}
