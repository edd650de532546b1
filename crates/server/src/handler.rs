//! The seam between the network and the service.
//!
//! Guarantees: everything on this side of it compiles and is tested without knowing the service.
//! Does not: interpret requests; `assemble` puts the S3 service behind it.

use std::{error::Error, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderName, Request, Response};
use http_body::Body;

use crate::activity::RequestBody;

/// What the network knows of a request's connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    /// The immediate peer.
    pub(crate) peer: SocketAddr,
    /// Whether the customer's key travelled encrypted: TLS here, or at a proxy that is trusted.
    pub(crate) secure: bool,
}

/// What a response body's error becomes.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Answers requests. Cheap to clone: there is one for each connection.
pub(crate) trait Handler: Clone + Send + Sync + 'static {
    /// The body of its answers.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// Whether a header of this name carries a secret, which no buffer may keep beyond its request.
    fn is_secret(name: &HeaderName) -> bool;

    /// Answers one request. Dropped when the client goes away.
    fn handle(
        &self,
        request: Request<RequestBody>,
        connection: Connection,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}
