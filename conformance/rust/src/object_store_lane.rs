//! object_store, whose customer key belongs to the store and goes with every request.
//!
//! A copy is therefore read and written under the same key: for a new key there are two stores, and the
//! body passes through the client.

use futures::TryStreamExt as _;
use object_store::{
    ClientOptions, Error, ObjectStore as _, ObjectStoreExt as _, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};

use crate::{Failure, Key, PART, SMALL, check, random, same, that, variable};

/// Its bucket.
pub const BUCKET: &str = "object-store-lane";

fn connect(key: Option<&Key>) -> AmazonS3 {
    let store = AmazonS3Builder::new()
        .with_endpoint(variable("ENDPOINT"))
        .with_region(variable("REGION"))
        .with_bucket_name(BUCKET)
        .with_access_key_id(variable("AWS_ACCESS_KEY_ID"))
        .with_secret_access_key(variable("AWS_SECRET_ACCESS_KEY"))
        .with_client_options(ClientOptions::new())
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() });
    let store = match key {
        Some(key) => store.with_ssec_encryption(&key.text),
        None => store,
    };
    store.build().expect("the configuration is complete")
}

/// All checks.
pub async fn run() {
    let (key, other) = (Key::fresh(), Key::fresh());
    let (store, wrong, bare) = (connect(Some(&key)), connect(Some(&other)), connect(None));
    for size in [0, 1, SMALL] {
        let name = format!("object_store, {size} bytes, put, head and get");
        check(&name, put_head_get(&store, size)).await;
    }
    check("object_store, ranges", ranges(&store)).await;
    check("object_store, multipart", multipart(&store)).await;
    check("object_store, no key, and a wrong one", refusals(&store, &wrong, &bare)).await;
    check("object_store, a copy under its key", copy(&store)).await;
    check("object_store, a new key through the client", rekey(&store, &wrong)).await;
    check("object_store, list and delete without a key", list_and_delete(&bare, &store)).await;
}

fn payload(body: &[u8]) -> PutPayload {
    PutPayload::from(body.to_vec())
}

async fn read(store: &AmazonS3, name: &str) -> Result<Vec<u8>, Failure> {
    Ok(store.get(&Path::from(name)).await?.bytes().await?.to_vec())
}

async fn put_head_get(store: &AmazonS3, size: usize) -> Result<(), Failure> {
    let (body, name) = (random(size), format!("sealed/{size}"));
    let put = store.put(&Path::from(name.as_str()), payload(&body)).await?;
    let head = store.head(&Path::from(name.as_str())).await?;
    that(head.size == size as u64 && head.e_tag == put.e_tag, "head answers otherwise than put")?;
    same(&read(store, &name).await?, &body)
}

async fn ranges(store: &AmazonS3) -> Result<(), Failure> {
    let (body, name) = (random(SMALL), Path::from("ranges"));
    store.put(&name, payload(&body)).await?;
    same(&store.get_range(&name, 16_383..16_385).await?, &body[16_383..16_385])?;
    let several = store.get_ranges(&name, &[0..1, 65_535..SMALL as u64]).await?;
    same(&several[0], &body[..1])?;
    same(&several[1], &body[65_535..])
}

async fn multipart(store: &AmazonS3) -> Result<(), Failure> {
    let body = random(PART + 7);
    let mut upload = store.put_multipart(&Path::from("parts")).await?;
    for part in [&body[..PART], &body[PART..]] {
        upload.put_part(payload(part)).await?;
    }
    upload.complete().await?;
    same(&read(store, "parts").await?, &body)
}

async fn refusals(store: &AmazonS3, wrong: &AmazonS3, bare: &AmazonS3) -> Result<(), Failure> {
    let name = Path::from("sealed/1");
    for answer in [wrong.get(&name).await.map(drop), wrong.head(&name).await.map(drop)] {
        that(
            matches!(answer, Err(Error::PermissionDenied { .. })),
            format!("a wrong key: {answer:?}"),
        )?;
    }
    let answer = bare.get(&name).await;
    let text = format!("{:?}", answer.as_ref().err());
    that(answer.is_err() && text.contains("InvalidRequest"), format!("no key: {text}"))?;
    let answer = store.get(&Path::from("none")).await;
    that(matches!(answer, Err(Error::NotFound { .. })), "nothing is not NotFound")
}

async fn copy(store: &AmazonS3) -> Result<(), Failure> {
    let body = random(SMALL);
    store.put(&Path::from("old"), payload(&body)).await?;
    store.copy(&Path::from("old"), &Path::from("copy")).await?;
    same(&read(store, "copy").await?, &body)
}

async fn rekey(from: &AmazonS3, to: &AmazonS3) -> Result<(), Failure> {
    let body = read(from, "old").await?;
    to.put(&Path::from("old"), payload(&body)).await?;
    same(&read(to, "old").await?, &body)?;
    that(from.get(&Path::from("old")).await.is_err(), "the old key still opens it")
}

async fn list_and_delete(bare: &AmazonS3, store: &AmazonS3) -> Result<(), Failure> {
    let listed: Vec<_> = bare.list(Some(&Path::from("sealed"))).try_collect().await?;
    let sizes: Vec<_> = listed.iter().map(|row| row.size).collect();
    that(sizes == [0, 1, SMALL as u64], format!("listed {sizes:?}"))?;
    bare.delete(&Path::from("sealed/1")).await?;
    let answer = store.head(&Path::from("sealed/1")).await;
    that(matches!(answer, Err(Error::NotFound { .. })), "it is there still")
}
