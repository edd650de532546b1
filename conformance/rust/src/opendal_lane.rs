//! opendal, whose customer key belongs to the operator and goes with every request.
//!
//! A copy is read and written under the same key, as with object_store.

use aws_sdk_s3::Client;
use opendal::{ErrorKind, Operator, services::S3};

use crate::{Failure, Key, PART, SMALL, aws, check, random, same, that, variable};

/// Its bucket.
pub const BUCKET: &str = "opendal-lane";

fn connect(key: Option<&Key>) -> Operator {
    let service = S3::default()
        .endpoint(&variable("ENDPOINT"))
        .region(&variable("REGION"))
        .bucket(BUCKET)
        .access_key_id(&variable("AWS_ACCESS_KEY_ID"))
        .secret_access_key(&variable("AWS_SECRET_ACCESS_KEY"))
        .disable_config_load();
    let service = match key {
        Some(key) => service.server_side_encryption_with_customer_key("AES256", &key.raw),
        None => service,
    };
    Operator::new(service).expect("the configuration is complete")
}

/// All checks; `client` looks at what was stored.
pub async fn run(client: &Client) {
    opendal::install_default();
    let (key, other) = (Key::fresh(), Key::fresh());
    let (store, wrong, bare) = (connect(Some(&key)), connect(Some(&other)), connect(None));
    for size in [0, 1, SMALL] {
        let name = format!("opendal, {size} bytes, write, stat and read");
        check(&name, write_stat_read(&store, size)).await;
    }
    check("opendal, a range", range(&store)).await;
    check("opendal, multipart", multipart(&store)).await;
    check("opendal, no key, and a wrong one", refusals(&store, &wrong, &bare, client)).await;
    check("opendal, a copy under its key", copy(&store)).await;
    check("opendal, a new key through the client", rekey(&store, &wrong)).await;
    check("opendal, list and delete without a key", list_and_delete(&bare, &store)).await;
}

async fn read(store: &Operator, name: &str) -> Result<Vec<u8>, Failure> {
    Ok(store.read(name).await?.to_vec())
}

async fn write_stat_read(store: &Operator, size: usize) -> Result<(), Failure> {
    let (body, name) = (random(size), format!("sealed/{size}"));
    store.write(&name, body.clone()).await?;
    that(store.stat(&name).await?.content_length() == size as u64, "stat answers otherwise")?;
    same(&read(store, &name).await?, &body)
}

async fn range(store: &Operator) -> Result<(), Failure> {
    let body = random(SMALL);
    store.write("range", body.clone()).await?;
    let got = store.read_with("range").range(16_383..16_385).await?;
    same(&got.to_vec(), &body[16_383..16_385])
}

async fn multipart(store: &Operator) -> Result<(), Failure> {
    let body = random(2 * PART + 7);
    let mut writer = store.writer_with("parts").chunk(PART).await?;
    for piece in body.chunks(PART) {
        writer.write(piece.to_vec()).await?;
    }
    writer.close().await?;
    let etag = store.stat("parts").await?.etag().unwrap_or_default().to_owned();
    that(etag.contains("-3"), format!("not in three parts: {etag}"))?;
    same(&read(store, "parts").await?, &body)
}

async fn refusals(
    store: &Operator,
    wrong: &Operator,
    bare: &Operator,
    client: &Client,
) -> Result<(), Failure> {
    for answer in [wrong.read("sealed/1").await.map(drop), wrong.stat("sealed/1").await.map(drop)] {
        let denied = matches!(&answer, Err(error) if error.kind() == ErrorKind::PermissionDenied);
        that(denied, format!("a wrong key: {answer:?}"))?;
    }
    let answer = bare.read("sealed/1").await;
    let text = format!("{:?}", answer.as_ref().err());
    that(answer.is_err() && text.contains("InvalidRequest"), format!("no key: {text}"))?;
    aws::refused(client.get_object().bucket(BUCKET).key("sealed/1").send().await, 400)?;
    let answer = store.stat("none").await;
    that(
        matches!(&answer, Err(error) if error.kind() == ErrorKind::NotFound),
        format!("nothing: {answer:?}"),
    )
}

async fn copy(store: &Operator) -> Result<(), Failure> {
    let body = random(SMALL);
    store.write("old", body.clone()).await?;
    store.copy("old", "copy").await?;
    same(&read(store, "copy").await?, &body)
}

async fn rekey(from: &Operator, to: &Operator) -> Result<(), Failure> {
    let body = read(from, "old").await?;
    to.write("old", body.clone()).await?;
    same(&read(to, "old").await?, &body)?;
    that(from.read("old").await.is_err(), "the old key still opens it")
}

async fn list_and_delete(bare: &Operator, store: &Operator) -> Result<(), Failure> {
    let names: Vec<_> =
        bare.list("sealed/").await?.iter().map(|entry| entry.path().to_owned()).collect();
    that(names == ["sealed/0", "sealed/1", "sealed/100000"], format!("listed {names:?}"))?;
    bare.delete("sealed/1").await?;
    that(!store.exists("sealed/1").await?, "it is there still")
}
