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

use crate::signature::{Authentication, Payload, RequestHead, SignatureError, Verifier, Version};

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

/// The configured credentials of the server's owner.
pub struct RootCredentials {
    /// The public id.
    pub access_key_id: String,
    /// Wiped on drop.
    pub secret: Zeroizing<Vec<u8>>,
}

/// The accounts' access keys, and root's before them: an account cannot take root's id.
pub struct WithRoot<K> {
    root: Option<RootCredentials>,
    accounts: K,
}

impl<K> WithRoot<K> {
    /// `root`: `None` where no root credentials are configured.
    pub fn new(root: Option<RootCredentials>, accounts: K) -> Self {
        Self { root, accounts }
    }
}

#[async_trait]
impl<K: AccessKeys> AccessKeys for WithRoot<K> {
    type Error = K::Error;

    async fn credential(&self, access_key_id: &str) -> Result<Option<Credential>, K::Error> {
        match &self.root {
            Some(root) if root.access_key_id == access_key_id => {
                let secret = root.secret.clone();
                Ok(Some(Credential { secret, principal: Principal::Root }))
            }
            _ => self.accounts.credential(access_key_id).await,
        }
    }
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
    /// How it was signed; `None` if anonymous.
    pub signed: Option<Signed>,
}

/// How a request was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// By which version.
    pub version: Version,
    /// Whether the signature was in the query (a presigned URL).
    pub presigned: bool,
    /// When; version 2 in a query does not say.
    pub at: Option<Timestamp>,
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
    verifier: &Verifier,
    keys: &K,
    head: &RequestHead<'_>,
    now: Timestamp,
) -> Result<Authenticated, AuthenticationError<K::Error>> {
    let claim = match verifier.read(head, now).map_err(AuthenticationError::Signature)? {
        Authentication::Signed(claim) => claim,
        Authentication::Anonymous(payload) => {
            let principal = Principal::Anonymous;
            let (access_key_id, signed) = (None, None);
            return Ok(Authenticated { principal, payload, access_key_id, signed });
        }
    };
    let access_key_id = claim.access_key_id().to_owned();
    let found = keys.credential(&access_key_id).await.map_err(AuthenticationError::AccessKeys)?;
    let Some(Credential { secret, principal }) = found else {
        let unknown = SignatureError::InvalidAccessKeyId { access_key_id };
        return Err(AuthenticationError::Signature(unknown));
    };
    let payload = verifier.verify(head, &claim, &secret).map_err(AuthenticationError::Signature)?;
    let (version, presigned, at) = (claim.version(), claim.is_presigned(), claim.signed_at());
    let (access_key_id, signed) = (Some(access_key_id), Some(Signed { version, presigned, at }));
    Ok(Authenticated { principal, payload, access_key_id, signed })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::FutureExt;
    use http::HeaderMap;

    use super::*;

    /// Knows one account, whose secret is root's too.
    struct OneAccount;

    #[async_trait]
    impl AccessKeys for OneAccount {
        type Error = Infallible;

        async fn credential(&self, access_key_id: &str) -> Result<Option<Credential>, Infallible> {
            let known = access_key_id == "ROOT" || access_key_id == "AKIAIOSFODNN7EXAMPLE";
            let credential = || Credential { secret: secret(), principal: principal() };
            Ok(known.then(credential))
        }
    }

    fn secret() -> Zeroizing<Vec<u8>> {
        Zeroizing::new(b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_vec())
    }

    fn principal() -> Principal {
        Principal::Account(Account {
            id: object_engine::model::AccountId("0".repeat(64)),
            name: "alice".to_owned(),
            display_name: "Alice".to_owned(),
            email: None,
            policy: None,
        })
    }

    /// The presigned URL of the S3 API reference, which is good for a day from 24 May 2013.
    const QUERY: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    const NOW: Timestamp = Timestamp(1_369_353_600_000);

    fn authenticated(query: &str, root: Option<&str>) -> Result<Authenticated, SignatureError> {
        let headers = HeaderMap::new();
        let host = "examplebucket.s3.amazonaws.com";
        let head = RequestHead { method: "GET", path: "/test.txt", query, host, headers: &headers };
        let root =
            root.map(|id| RootCredentials { access_key_id: id.to_owned(), secret: secret() });
        let keys = WithRoot::new(root, OneAccount);
        let verifier = Verifier::new("us-east-1");
        match authenticate(&verifier, &keys, &head, NOW).now_or_never().unwrap() {
            Ok(authenticated) => Ok(authenticated),
            Err(AuthenticationError::Signature(error)) => Err(error),
        }
    }

    #[test]
    fn an_account_is_known_by_its_signature() {
        let found = authenticated(QUERY, Some("ROOT")).unwrap();
        assert_eq!(found.principal, principal());
        assert_eq!(found.access_key_id.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
        let signed = Signed { version: Version::V4, presigned: true, at: Some(NOW) };
        assert_eq!(found.signed, Some(signed));
    }

    #[test]
    fn root_comes_before_an_account_of_the_same_id() {
        let found = authenticated(QUERY, Some("AKIAIOSFODNN7EXAMPLE")).unwrap();
        assert_eq!(found.principal, Principal::Root);
    }

    #[test]
    fn nobody_is_anonymous_by_mistake() {
        let found = authenticated("", None).unwrap();
        assert_eq!((found.principal, found.access_key_id), (Principal::Anonymous, None));
        let unknown = QUERY.replace("AKIAIOSFODNN7EXAMPLE", "AKIAOTHER");
        let expected = "The AWS Access Key Id you provided does not exist in our records.";
        assert_eq!(authenticated(&unknown, None).unwrap_err().to_string(), expected);
        let other = QUERY.replace("AKIAIOSFODNN7EXAMPLE", "ROOT");
        let error = authenticated(&other, Some("ROOT")).unwrap_err();
        assert!(matches!(error, SignatureError::SignatureDoesNotMatch(_)));
        for name in ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Algorithm"] {
            assert!(authenticated(&format!("{name}=x"), None).is_err(), "{name} alone");
        }
    }
}
