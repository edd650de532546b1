//! Requests across origins: preflights, and what browsers are told beside any other answer.
//!
//! Guarantees: without an `Origin` nothing is read and nothing is added; with one, the bucket is read
//! once and nothing else is. A preflight is nobody's request: it tells whether a bucket has a CORS
//! configuration and what that allows this origin, as AWS does, and nothing of objects or callers.
//! Does not: refuse a request that no rule allows; the browser does, finding no header.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, request::Parts};
use object_engine::model::Bucket;

use super::Inner;
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    operations::bucket_cors::SETTING,
    request::{
        cors::{Allowed, Asked, CorsConfiguration, is_method},
        head,
    },
    response::Answer,
    route::{self, Named},
};

/// What an answer across origins depends on, for every cache between.
const VARY: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
);

impl Inner {
    /// Answers OPTIONS. Who asks does not matter, and neither does the query: the URL may be presigned.
    pub(super) async fn preflight(&self, parts: &Parts) -> S3Result<Answer> {
        let Preflight { origin, method, headers } = Preflight::parse(&parts.headers)?;
        let (bucket, resource) = match self.named(&parts.headers, &parts.uri)? {
            Named::Service => {
                return Err(S3Error::new(ErrorCode::MethodNotAllowed)
                    .element("Method", "OPTIONS")
                    .element("ResourceType", "SERVICE"));
            }
            Named::Bucket(bucket) => (bucket, "BUCKET"),
            Named::Object(bucket, _) => (bucket, "OBJECT"),
        };
        let forbidden = |message| {
            S3Error::with_message(ErrorCode::AccessForbidden, message)
                .element("Method", method)
                .element("ResourceType", resource)
        };
        let bucket = self.options.store.engine().bucket(&bucket).await?;
        let bucket = bucket.ok_or_else(|| forbidden("CORSResponse: Bucket not found"))?;
        let configuration = configuration(&bucket)
            .ok_or_else(|| forbidden("CORSResponse: CORS is not enabled for this bucket."))?;
        let asked = Asked { origin: shown(origin), method, headers: &headers };
        let allowed = configuration.allowing(asked).ok_or_else(|| forbidden(NOT_ALLOWED))?;
        let mut answer = Answer::ok();
        say(&allowed, origin, answer.headers_mut());
        let headers = (!headers.is_empty()).then(|| headers.join(", "));
        Ok(answer
            .header_if(header::ACCESS_CONTROL_ALLOW_HEADERS, headers)
            .header(header::VARY, VARY))
    }

    /// What is added to the answer of any other request, whatever that answer is.
    pub(super) async fn cross_origin_headers(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> HeaderMap {
        let mut added = HeaderMap::new();
        let Some(origin) = headers.get(header::ORIGIN) else { return added };
        let Ok(Named::Bucket(name) | Named::Object(name, _)) = self.named(headers, uri) else {
            return added;
        };
        // The operation will meet the same error, and answer it.
        let Ok(Some(bucket)) = self.options.store.engine().bucket(&name).await else {
            return added;
        };
        let Some(configuration) = configuration(&bucket) else { return added };
        added.insert(header::VARY, VARY);
        let asked_method = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let method = asked_method.map_or(method.as_str(), shown);
        let asked = Asked { origin: shown(origin), method, headers: &[] };
        if let Some(allowed) = configuration.allowing(asked) {
            say(&allowed, origin, &mut added);
        }
        added
    }

    fn named(&self, headers: &HeaderMap, uri: &Uri) -> S3Result<Named> {
        let host = head::host(headers, uri);
        route::named(host.as_deref(), uri.path(), &self.options.domains)
    }
}

/// What a preflight asks.
struct Preflight<'h> {
    origin: &'h HeaderValue,
    method: &'h str,
    /// In lower case.
    headers: Vec<String>,
}

impl<'h> Preflight<'h> {
    fn parse(headers: &'h HeaderMap) -> S3Result<Self> {
        let origin = headers.get(header::ORIGIN).filter(|origin| !origin.is_empty());
        let origin = origin.ok_or_else(|| {
            insufficient("Insufficient information. Origin request header needed.")
        })?;
        let method = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).map_or("null", shown);
        if !is_method(method) {
            return Err(insufficient(format!("Invalid Access-Control-Request-Method: {method}")));
        }
        let lines = headers.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
        let names = lines.flat_map(|line| shown(line).split(','));
        let names = names.map(|name| name.trim().to_ascii_lowercase());
        Ok(Self { origin, method, headers: names.filter(|name| !name.is_empty()).collect() })
    }
}

/// The bucket's configuration, if it has one that can be read.
fn configuration(bucket: &Bucket) -> Option<CorsConfiguration> {
    let document = bucket.settings.get(SETTING)?;
    let read = CorsConfiguration::read(document.as_bytes());
    if read.is_err() {
        tracing::error!(bucket = %bucket.name, "a stored CORS configuration is not valid");
    }
    read.ok()
}

/// What preflights and other answers both say.
fn say(allowed: &Allowed<'_>, origin: &HeaderValue, headers: &mut HeaderMap) {
    let mut add = |name: HeaderName, value: String| {
        // What stands in rules was checked when it came in; what HTTP cannot carry is left out.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    add(header::ACCESS_CONTROL_ALLOW_METHODS, allowed.methods());
    if let Some(exposed) = allowed.exposed() {
        add(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    if let Some(seconds) = allowed.max_age_seconds() {
        add(header::ACCESS_CONTROL_MAX_AGE, seconds.to_string());
    }
    if allowed.everybody {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let yes = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    }
}

/// A header's text; one that is no text is as good as empty.
fn shown(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

fn insufficient(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(ErrorCode::BadRequest, message)
}

/// AWS's own words and spelling.
const NOT_ALLOWED: &str = "CORSResponse: This CORS request is not allowed. This is usually because the \
    evalution of Origin, request method / Access-Control-Request-Method or \
    Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
