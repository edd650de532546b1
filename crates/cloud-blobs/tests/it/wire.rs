//! Faults of the wire: a little S3 server that refuses, resets, breaks off and stays silent.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use cloud_blobs::{CloudBlobs, Location};
use object_engine::blobs::{BlobError, BlobId, BlobStore as _, buffers::BufferPool, contract};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// 500 InternalError.
    Error,
    /// 503 SlowDown.
    Slow,
    /// The connection is closed, the request not done.
    Reset,
    /// The request is done, and the connection closed.
    Unanswered,
    /// The connection is closed in the middle of the answer.
    Half,
    /// 403; nothing that a retry could mend.
    Denied,
}

#[derive(Default)]
struct Backend {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    /// What becomes of the next requests; afterwards all goes well.
    faults: Mutex<VecDeque<Fault>>,
    requests: Mutex<Vec<String>>,
}

async fn started() -> (Arc<Backend>, CloudBlobs) {
    let backend = Arc::new(Backend::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let shared = Arc::clone(&backend);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(Arc::clone(&shared), stream));
        }
    });
    let url = format!("s3://b/p?endpoint={endpoint}&allow_http=true&segment_mib=1");
    let location: Location = url.parse().unwrap();
    let environment = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let pool = BufferPool::default();
    let blobs = CloudBlobs::open(&location, environment.into_iter(), pool).await.unwrap();
    (backend, blobs)
}

/// One connection; ends with its client or with a fault that cuts it.
async fn serve(backend: Arc<Backend>, mut stream: TcpStream) {
    while let Some((head, body)) = request(&mut stream).await {
        let fault = backend.faults.lock().unwrap().pop_front();
        backend.requests.lock().unwrap().push(head.lines().next().unwrap().to_owned());
        let answer = match fault {
            Some(Fault::Error) => plain("500 Internal Server Error", "<Code>InternalError</Code>"),
            Some(Fault::Slow) => plain("503 Slow Down", "<Code>SlowDown</Code>"),
            Some(Fault::Denied) => plain("403 Forbidden", "<Code>AccessDenied</Code>"),
            Some(Fault::Reset) => return,
            _ => answer(&backend, &head, body),
        };
        let sent = match fault {
            Some(Fault::Unanswered) => return,
            Some(Fault::Half) => &answer[..answer.len() / 2],
            _ => &answer[..],
        };
        if stream.write_all(sent).await.is_err() || fault == Some(Fault::Half) {
            return;
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
    let mut body = bytes.split_off(end);
    while body.len() < length {
        stream.read_buf(&mut body).await.ok().filter(|n| *n > 0)?;
    }
    Some((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
    pairs.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn answer(backend: &Backend, head: &str, body: Vec<u8>) -> Vec<u8> {
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = path.trim_start_matches("/b").trim_start_matches('/').to_owned();
    let mut objects = backend.objects.lock().unwrap();
    match method {
        "PUT" => {
            objects.insert(key, body);
            b"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n".to_vec()
        }
        "GET" if key.is_empty() => {
            let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
            let prefix = prefix.unwrap_or_default().replace("%2F", "/");
            let entry = |(key, bytes): (&String, &Vec<u8>)| {
                let size = bytes.len();
                format!(
                    "<Contents><Key>{key}</Key><Size>{size}</Size><ETag>e</ETag>\
                     <LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                )
            };
            let found = objects.iter().filter(|(key, _)| key.starts_with(&prefix)).map(entry);
            let found: String = found.collect();
            plain("200 OK", &format!("<ListBucketResult>{found}</ListBucketResult>"))
        }
        "GET" => objects.get(&key).map_or_else(
            || plain("404 Not Found", "<Code>NoSuchKey</Code>"),
            |bytes| ranged(bytes, header(head, "range").unwrap()),
        ),
        _ => plain("501 Not Implemented", ""),
    }
}

fn ranged(bytes: &[u8], range: &str) -> Vec<u8> {
    let (start, end) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
    let end = end.min(bytes.len() - 1);
    let length = end + 1 - start;
    let all = bytes.len();
    let mut answer = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{end}/{all}\r\nETag: \"e\"\r\n\
         Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    answer.extend(&bytes[start..=end]);
    answer
}

fn plain(status: &str, text: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{text}", text.len()).into_bytes()
}

const LENGTH: u64 = 2_500_000;

#[tokio::test]
async fn a_put_survives_every_fault_that_passes() {
    for fault in [Fault::Error, Fault::Slow, Fault::Reset, Fault::Unanswered, Fault::Half] {
        let (backend, blobs) = started().await;
        backend.faults.lock().unwrap().extend([fault; 4]);
        contract::put(&blobs, BlobId(1), LENGTH, false).await.unwrap();
        assert!(backend.faults.lock().unwrap().is_empty());
        contract::check(&blobs, BlobId(1), LENGTH).await;
        assert_eq!(backend.objects.lock().unwrap().len(), 3, "no name was put twice: {fault:?}");
    }
}

#[tokio::test]
async fn a_read_survives_every_fault_that_passes() {
    let (backend, blobs) = started().await;
    contract::put(&blobs, BlobId(1), LENGTH, true).await.unwrap();
    for fault in [Fault::Error, Fault::Slow, Fault::Reset, Fault::Unanswered, Fault::Half] {
        backend.faults.lock().unwrap().extend([fault; 2]);
        contract::check(&blobs, BlobId(1), LENGTH).await;
        assert!(backend.faults.lock().unwrap().is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_backend_that_stays_broken_is_given_up_and_nothing_is_readable() {
    let (backend, blobs) = started().await;
    contract::put(&blobs, BlobId(1), 10, true).await.unwrap(); // the lease is known from here on
    backend.requests.lock().unwrap().clear();
    backend.faults.lock().unwrap().extend([Fault::Error; 1000]);
    let outcome = contract::put(&blobs, BlobId(2), 300_000, true).await;
    assert!(matches!(outcome, Err(BlobError::Unavailable(_))), "{outcome:?}");
    let puts =
        backend.requests.lock().unwrap().iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(puts, 6, "one attempt and five more");
    backend.faults.lock().unwrap().clear();
    assert!(matches!(blobs.open(BlobId(2), 300_000).await, Err(BlobError::Damaged { .. })));
}

#[tokio::test]
async fn what_no_retry_mends_is_not_retried_and_tells_no_secret() {
    let (backend, blobs) = started().await;
    contract::put(&blobs, BlobId(1), 10, true).await.unwrap();
    backend.requests.lock().unwrap().clear();
    backend.faults.lock().unwrap().push_back(Fault::Denied);
    let error = contract::put(&blobs, BlobId(2), 300_000, true).await.unwrap_err().to_string();
    assert!(error.contains("AccessDenied") && !error.contains("secret"), "{error}");
    let puts =
        backend.requests.lock().unwrap().iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(puts, 1);
}
