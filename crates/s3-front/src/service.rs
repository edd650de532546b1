//! The service: one HTTP request in, one answer out.
//!
//! Guarantees: in this order and before a byte of the body is polled: request id; E1 (SSE-C over plain
//! HTTP); key headers of another vendor; authentication; customer keys out of the head; routing;
//! authorisation. A form proves its sender in its body: PostObject does all of it again with the form's
//! fields, before its file is read.
//!
//! Does not: listen or limit connections; `server` does.

pub(crate) mod access;
mod access_keys;
pub(crate) mod acls;
mod authorise;
mod call;
mod cors;
mod locks;
pub(crate) mod policies;
mod request_context;
mod request_id;
pub(crate) mod settings;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use http::{HeaderMap, HeaderValue, Method, Request, Response, header, request::Parts};
use object_engine::{clock::Clock, entropy::Entropy, error::EngineError, model::AccountId};
use sealed_store::{CopyMode, SealedStore};

pub use access_keys::StoredAccessKeys;
pub use call::HttpBody;
pub(crate) use call::{Call, Incoming, no_such_bucket};
pub(crate) use request_id::RequestId;
use request_id::RequestIds;

pub use crate::{profile::Profile, request::object_ownership::ObjectOwnership};
use authorise::Needs;
use policies::PolicyCache;
use request_context::{Circumstances, Kind};

use crate::{
    error::{S3Error, S3Result, sse_c},
    identity::{AccessKeys, Authenticated, AuthenticationError, Signed, authenticate},
    operations,
    request::{
        copy_source,
        customer_key::{self, TakenKeys},
        head::{self, Head},
        query::Query,
    },
    response::{Answer, ResponseBody, refused},
    route::{Asked, Route, query_api, route},
    signature::{Payload, RequestHead, Verifier, Version},
};

/// Whether buckets that are made from now on take SSE-C writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewBucketSseC {
    /// They do.
    #[default]
    Allowed,
    /// They block them until PutBucketEncryption says otherwise, as on AWS since April 2026.
    Blocked,
}

/// Whether requests may be signed by version 2 too. Forms may in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureV2 {
    /// They are refused, as in the regions of AWS that opened since 2014.
    #[default]
    Off,
    /// They are read.
    On,
}

/// Where access keys are looked up, with the engine's errors.
pub type KeyLookup = Arc<dyn AccessKeys<Error = EngineError>>;

/// The account of the configured root credentials.
#[derive(Clone, Debug)]
pub struct RootAccount {
    /// Canonical user id.
    pub id: AccountId,
    /// What listings show.
    pub display_name: String,
}

/// What a service is built from.
pub struct ServiceOptions {
    /// Objects.
    pub store: SealedStore,
    /// The region that requests are signed for.
    pub region: String,
    /// Names under which buckets are addressed as host names.
    pub domains: Vec<String>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for request ids.
    pub entropy: Arc<dyn Entropy>,
    /// Credentials.
    pub access_keys: KeyLookup,
    /// Root.
    pub root: RootAccount,
    /// Whose ways are followed.
    pub profile: Profile,
    /// Whether copies may share bodies.
    pub copy_mode: CopyMode,
    /// Whether new buckets take SSE-C writes.
    pub new_bucket_sse_c: NewBucketSseC,
    /// Whether version 2 of signatures is taken.
    pub signature_v2: SignatureV2,
    /// The object ownership of new buckets that ask for none.
    pub new_bucket_object_ownership: ObjectOwnership,
}

/// How a request reached us.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionInfo {
    /// From where.
    pub peer: SocketAddr,
    /// Whether it came over TLS, as far as the listener vouches for it.
    pub secure: bool,
}

/// The S3 service. Cheap to clone.
#[derive(Clone)]
pub struct S3Service {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) options: ServiceOptions,
    pub(crate) verifier: Verifier,
    policies: PolicyCache,
    request_ids: RequestIds,
}

impl fmt::Debug for S3Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Service")
            .field("region", &self.inner.options.region)
            .finish_non_exhaustive()
    }
}

impl S3Service {
    /// A service.
    pub fn new(options: ServiceOptions) -> Self {
        let verifier = Verifier::new(&options.region);
        let verifier = match options.signature_v2 {
            SignatureV2::Off => verifier,
            SignatureV2::On => verifier.taking_version_2(&options.domains),
        };
        let request_ids = RequestIds::new(options.entropy.clone());
        let policies = PolicyCache::default();
        Self { inner: Arc::new(Inner { options, verifier, policies, request_ids }) }
    }

    /// Answers one request; never fails.
    pub async fn handle<B>(
        &self,
        request: Request<B>,
        connection: ConnectionInfo,
    ) -> Response<ResponseBody>
    where
        B: HttpBody,
    {
        let id = self.inner.request_ids.next();
        let is_head = request.method() == Method::HEAD;
        let across = match *request.method() {
            Method::OPTIONS => HeaderMap::new(),
            _ => {
                let (method, uri) = (request.method(), request.uri());
                self.inner.cross_origin_headers(method, uri, request.headers()).await
            }
        };
        let mut response = match self.inner.answer(request, connection, &id).await {
            Ok(answer) => answer.into_response(),
            Err(error) => {
                let error = self.inner.options.profile.worded(error);
                note(&error, &id);
                refused(&error, &id, is_head)
            }
        };
        response.headers_mut().extend(across);
        id.add_to(response.headers_mut());
        response.headers_mut().insert(header::SERVER, HeaderValue::from_static("strongroom"));
        response
    }
}

impl Inner {
    async fn answer<B>(
        &self,
        request: Request<B>,
        connection: ConnectionInfo,
        id: &RequestId,
    ) -> S3Result<Answer>
    where
        B: HttpBody,
    {
        let (mut parts, body) = request.into_parts();
        let (mut query, unreadable) = match Query::of_request(parts.uri.query().unwrap_or_default())
        {
            Ok(query) => (query, None),
            Err(error) => (Query::default(), Some(error)),
        };
        let authenticated = match parts.method {
            // Browsers ask before they send anything that proves who they are.
            Method::OPTIONS => refuse_insecure(&parts, &query, connection).map(|()| None),
            _ => self.authenticate(&parts, &query, connection).await.map(Some),
        };
        // Also of a request that is refused, no key stays in the head.
        let keys = customer_key::take(&mut parts, &mut query, self.options.profile);
        let Some(mut authenticated) = authenticated? else { return self.preflight(&parts).await };
        if let Some(error) = unreadable {
            return Err(error);
        }
        if let Some(Signed { version: Version::V2, presigned: true, .. }) = authenticated.signed {
            head::take_version_2(&mut parts.headers, &mut query)?;
        }
        let head = Head::new(parts, query)?;
        let route = self.route(&head)?;
        let payload = std::mem::replace(&mut authenticated.payload, Payload::Unsigned);
        let call = self.call(head, keys, (&route, authenticated), (connection, &id.id));
        let answer = operations::perform(&call, route, Incoming { payload, body }).await?;
        Ok(call.keys.echoed(answer))
    }

    /// An authentic request as operations see it, with what policies can ask of it.
    pub(crate) fn call<'a>(
        &'a self,
        head: Head,
        keys: TakenKeys,
        (route, authenticated): (&Route, Authenticated),
        (connection, request_id): (ConnectionInfo, &'a str),
    ) -> Call<'a> {
        let TakenKeys { own: keys, source: source_keys } = keys;
        let needs = Needs::of(route, &head);
        let circumstances = Circumstances {
            kind: Kind::of(route),
            now: self.options.clock.now(),
            signed: authenticated.signed,
        };
        Call {
            service: self,
            principal: authenticated.principal,
            head,
            keys,
            source_keys,
            needs,
            circumstances,
            context: OnceLock::new(),
            request_id,
            connection,
        }
    }

    /// E1, key headers in a spelling that the profile does not take, requests for other services, and
    /// then the signature.
    async fn authenticate(
        &self,
        parts: &Parts,
        query: &Query,
        connection: ConnectionInfo,
    ) -> S3Result<Authenticated> {
        refuse_insecure(parts, query, connection)?;
        if customer_key::is_mentioned(&parts.headers, query) {
            customer_key::refuse_foreign(&parts.headers, query, self.options.profile)?;
        }
        if query_api::is_asked(parts, query, &self.options.domains) {
            return Err(query_api::refused());
        }
        let keys = &*self.options.access_keys;
        let now = self.options.clock.now();
        match authenticate(&self.verifier, keys, &RequestHead::of(parts), now).await {
            Ok(authenticated) => Ok(authenticated),
            Err(AuthenticationError::Signature(error)) => Err(error.into()),
            Err(AuthenticationError::AccessKeys(error)) => Err(error.into()),
        }
    }

    fn route(&self, head: &Head) -> S3Result<Route> {
        let asked = Asked {
            method: &head.method,
            host: head.host.as_deref(),
            path: &head.path,
            query: &head.query,
            is_copy: head.headers.contains_key(copy_source::NAME),
        };
        route(asked, &self.options.domains)
    }
}

/// E1.
fn refuse_insecure(parts: &Parts, query: &Query, connection: ConnectionInfo) -> S3Result<()> {
    if !connection.secure && customer_key::is_mentioned(&parts.headers, query) {
        return Err(sse_c::insecure_connection());
    }
    Ok(())
}

fn note(error: &S3Error, id: &RequestId) {
    let code = error.code().as_str();
    if error.code().is_ours() {
        tracing::error!(request_id = id.id, code, detail = error.detail(), "a request failed");
    } else {
        tracing::debug!(request_id = id.id, code, "a request was refused");
    }
}
