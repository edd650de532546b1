//! `GET /-/ready`: whether this server answers at all, for load balancers and scripts.
//!
//! Guarantees: needs no signature and no storage; `/-/` is reserved, which no bucket can clash with,
//! since names have at least three characters. Does not: take keys away on virtual-host names, where
//! `-/ready` is an ordinary object key.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::Full;

/// The answer, if this request asks for something reserved.
pub(crate) fn answer(request: &Parts, domains: &[String]) -> Option<Response<Full<Bytes>>> {
    let path = request.uri.path();
    if !path.starts_with("/-/") || names_a_bucket(request, domains) {
        return None;
    }
    let asks = request.method == Method::GET || request.method == Method::HEAD;
    Some(if asks && path == "/-/ready" {
        plain(StatusCode::OK, "ready\n")
    } else {
        plain(StatusCode::NOT_FOUND, "nothing here\n")
    })
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether the host is a subdomain of a configured domain.
fn names_a_bucket(request: &Parts, domains: &[String]) -> bool {
    let header = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = request.uri.authority().map(|authority| authority.host()).or(header) else {
        return false;
    };
    let host = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    domains.iter().any(|domain| {
        host.strip_suffix(domain.as_str()).is_some_and(|bucket| bucket.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn status(method: &str, path: &str, host: &str) -> Option<u16> {
        let request = Request::builder().method(method).uri(path).header("host", host).body(());
        let (parts, ()) = request.unwrap().into_parts();
        answer(&parts, &["s3.example.com".to_owned()]).map(|response| response.status().as_u16())
    }

    #[test]
    fn ready_is_answered_on_path_style_hosts() {
        assert_eq!(status("GET", "/-/ready", "127.0.0.1:9443"), Some(200));
        assert_eq!(status("HEAD", "/-/ready", "s3.example.com"), Some(200));
        assert_eq!(status("PUT", "/-/ready", "s3.example.com"), Some(404));
        assert_eq!(status("GET", "/-/other", "localhost"), Some(404));
    }

    #[test]
    fn everything_else_is_the_services() {
        assert_eq!(status("GET", "/-/ready", "vault.s3.example.com:9443"), None);
        assert_eq!(status("GET", "/-/ready", "VAULT.S3.example.com."), None);
        assert_eq!(status("GET", "/vault/-/ready", "localhost"), None);
        assert_eq!(status("GET", "/-", "localhost"), None);
        assert_eq!(status("GET", "/-/ready", "evils3.example.com"), Some(200));
    }
}
