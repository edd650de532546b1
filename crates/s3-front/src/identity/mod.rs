//! Who sent a request: anonymous, root, or an account, proven by a signature.
//!
//! Guarantees: a [`Principal`] other than `Anonymous` comes only from a verified signature. Nothing
//! here polls the body, so `100 Continue` is not sent before the request is authentic.
//!
//! Does not: decide what the principal may do, or know where secrets are stored.

use async_trait::async_trait;
use object_engine::clock::Timestamp;
use object_engine::model::Account;
use zeroize::Zeroizing;

use crate::signature::{Payload, RequestHead, SignatureError, Verifier};

/// Who a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Nobody signed it.
    Anonymous,
    /// An account of the catalog.
    Account(Account),
    /// The holder of the configured root credentials.
    Root,
}

/// The secret of an access key, and whose it is.
pub struct Credential {
    /// Wiped on drop.
    pub secret: Zeroizing<Vec<u8>>,
    /// `Account` or `Root`.
    pub principal: Principal,
}

/// Where access keys are looked up.
#[async_trait]
pub trait AccessKeys: Send + Sync {
    /// Why a look-up can fail (the storage's error).
    type Error: Send;

    /// The enabled access key of this id. `None`: there is none.
    async fn credential(&self, access_key_id: &str) -> Result<Option<Credential>, Self::Error>;
}

/// An authentic request: who sent it, and how its body is to be checked.
#[derive(Debug)]
pub struct Authenticated {
    /// Who sent it.
    pub principal: Principal,
    /// For [`crate::body::RequestBody::new`].
    pub payload: Payload,
    /// The access key that signed, for the access log; `None` if anonymous.
    pub access_key_id: Option<String>,
    /// Whether the signature was in the query (a presigned URL).
    pub presigned: bool,
}

/// Why a request was not authenticated.
#[derive(Debug)]
pub enum AuthenticationError<E> {
    /// The client must act.
    Signature(SignatureError),
    /// The storage failed.
    AccessKeys(E),
}

/// Authenticates one request. Every request passes here first, also an anonymous one, since it is
/// here that repeated SSE-C parameters are refused.
pub async fn authenticate<K: AccessKeys + ?Sized>(
    _verifier: &Verifier,
    _keys: &K,
    _head: &RequestHead<'_>,
    _now: Timestamp,
) -> Result<Authenticated, AuthenticationError<K::Error>> {
    unreachable!("being written")
}
