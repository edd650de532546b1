//! The contract suite over real servers: those that the environment names.
//!
//! `CLOUD_BLOBS_URLS` holds URLs of empty prefixes, separated by blanks; credentials come from the
//! providers' own variables. The lane `cloud_blobs` of `conformance/` starts servers and sets them.

use cloud_blobs::{CloudBlobs, Location};
use object_engine::blobs::{buffers::BufferPool, contract};

#[tokio::test]
async fn named_servers() {
    let Ok(urls) = std::env::var("CLOUD_BLOBS_URLS") else {
        eprintln!("SKIPPED: CLOUD_BLOBS_URLS names no server; see conformance/cloud_blobs.py");
        return;
    };
    for url in urls.split_whitespace() {
        let location: Location = url.parse().unwrap();
        let opened = CloudBlobs::open(&location, std::env::vars(), BufferPool::default()).await;
        contract::all(&opened.unwrap()).await;
        eprintln!("the contract holds over {location:?}");
    }
}
