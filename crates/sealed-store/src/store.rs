//! The store itself: an engine, the server's own key and a source of randomness.
//!
//! Does not: hold any customer's key longer than one call.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use object_engine::{
    engine::ObjectEngine,
    error::EngineError,
    model::{BodyId, Bucket, Holder, KmsHolder, ObjectKey, VersionUid},
};
use sealed_format::{
    CustomerKey, Damaged, HolderKey, HolderKind, KmsDataKey, MasterKey, MasterUse, ObjectContext,
    Randomness, ServerKey,
};
use zeroize::Zeroizing;

use crate::{
    error::UnlockError,
    kms::{self, Encryption, KeyRing, KeyService, KeyServiceError},
};

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
    /// Who makes and opens the data keys of SSE-KMS versions.
    pub(crate) key_service: Arc<dyn KeyService>,
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore").finish_non_exhaustive()
    }
}

impl SealedStore {
    /// A store over `engine`, with the server's `master` key and a cryptographically secure `random`;
    /// its key service is the ring in the engine's catalog.
    pub fn new(
        engine: ObjectEngine,
        master: Arc<MasterKey>,
        random: Arc<dyn Randomness + Send + Sync>,
    ) -> Self {
        let server_key = master.server_key();
        let key_service = Arc::new(KeyRing::new(engine.clone(), master.clone(), random.clone()));
        Self { inner: Arc::new(Inner { engine, master, random, server_key, key_service }) }
    }

    /// As [`SealedStore::new`], with another key service than the ring.
    pub fn with_key_service(
        engine: ObjectEngine,
        master: Arc<MasterKey>,
        random: Arc<dyn Randomness + Send + Sync>,
        key_service: Arc<dyn KeyService>,
    ) -> Self {
        let server_key = master.server_key();
        Self { inner: Arc::new(Inner { engine, master, random, server_key, key_service }) }
    }

    /// The ring in the engine's catalog, to be administered.
    pub fn key_ring(&self) -> KeyRing {
        let Inner { engine, master, random, .. } = &*self.inner;
        KeyRing::new(engine.clone(), master.clone(), random.clone())
    }

    /// The engine, for verbs that need no key: buckets, listings, deletes, tags, accounts.
    pub fn engine(&self) -> &ObjectEngine {
        &self.inner.engine
    }

    /// Whether the master key is the one that this catalog was first opened with. From the first time on
    /// the catalog remembers it by something sealed under it.
    pub async fn has_its_master_key(&self) -> Result<bool, EngineError> {
        let Inner { engine, master, random, .. } = &*self.inner;
        let sealed = master.seal(MasterUse::Check, &[], &[], &**random);
        let stands = engine.master_check(&sealed).await?;
        Ok(master.open(MasterUse::Check, &[], &stands).is_ok())
    }

    /// A secret's fingerprint, by which servers of one master key tell whether they have the same one.
    pub fn fingerprint(&self, secret: &[u8]) -> [u8; 32] {
        self.inner.master.fingerprint(secret)
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

    /// The key that opens what `holder` holds at `place`, or why the one given cannot.
    pub(crate) async fn holder_key<'k>(
        &'k self,
        holder: &Holder,
        key: Option<&'k CustomerKey>,
        place: (&Bucket, &ObjectKey),
    ) -> Result<Held<'k>, UnlockError> {
        match (holder, key) {
            (Holder::Customer, Some(key)) => Ok(Held::Customer(key)),
            (Holder::Customer, None) => Err(UnlockError::KeyRequired),
            (Holder::Server, None) => Ok(Held::Server(&self.inner.server_key)),
            (Holder::Kms(kms), None) => {
                let opened = kms::open_data_key(&*self.inner.key_service, kms, place).await;
                Ok(Held::Kms(opened.map_err(UnlockError::Key)?))
            }
            (Holder::Server | Holder::Kms(_), Some(_)) => Err(UnlockError::KeyNotApplicable),
        }
    }

    /// Whose key seals a new version at `place`. Of a key service this draws a data key.
    pub(crate) async fn new_holder<'k>(
        &'k self,
        encryption: Encryption<'k>,
        place: (&Bucket, &ObjectKey),
    ) -> Result<(Holder, Held<'k>), KeyServiceError> {
        match encryption {
            Encryption::Customer(key) => Ok((Holder::Customer, Held::Customer(key))),
            Encryption::Server => Ok((Holder::Server, Held::Server(&self.inner.server_key))),
            Encryption::Kms(asked) => {
                let context = kms::full_context(&asked.context, place);
                let made = self.inner.key_service.generate(&asked.key, &context).await?;
                let holder = KmsHolder {
                    key: asked.key.to_string(),
                    wrapped: made.wrapped,
                    context: asked.context.clone().into_iter().collect(),
                    bucket_key: asked.bucket_key,
                };
                Ok((Holder::Kms(Box::new(holder)), Held::Kms(made.key)))
            }
        }
    }

    /// 16 random bytes for an identity.
    pub(crate) fn random_16(&self) -> [u8; 16] {
        let mut out = [0; 16];
        self.inner.random.fill(&mut out);
        out
    }
}

/// A holder's key, at hand for one request.
pub(crate) enum Held<'k> {
    Customer(&'k CustomerKey),
    Server(&'k ServerKey),
    Kms(KmsDataKey),
}

impl Held<'_> {
    /// The key in the format's terms.
    pub(crate) fn key(&self) -> HolderKey<'_> {
        match self {
            Self::Customer(key) => HolderKey::Customer(key),
            Self::Server(key) => HolderKey::Server(key),
            Self::Kms(key) => HolderKey::Kms(key),
        }
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
            holder,
            bucket_uid: &self.bucket.uid.0,
            object_key: self.key.as_str(),
            version_uid: &self.version.0,
            body_id: &self.body.0,
        }
    }
}

/// The engine's word for a holder in the format's terms.
pub(crate) fn holder_kind(holder: &Holder) -> HolderKind {
    match holder {
        Holder::Customer => HolderKind::Customer,
        Holder::Server => HolderKind::Server,
        Holder::Kms(_) => HolderKind::Kms,
    }
}
