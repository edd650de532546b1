//! The AWS SDK for Rust with its defaults, and URLs presigned by it.

use std::time::Duration;

use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, http::HttpResponse, retry::RetryConfig},
    error::SdkError,
    operation::get_object::builders::GetObjectFluentBuilder,
    presigning::{PresignedRequest, PresigningConfig},
    primitives::ByteStream,
    types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart},
};

use crate::{Failure, Key, PART, SMALL, check, random, same, that, variable};

/// Its bucket.
pub const BUCKET: &str = "aws-sdk-rust-lane";
const TRIO: [&str; 3] = [
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key-md5",
];

/// A client of root's.
pub fn connect() -> Client {
    let (access, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(variable("ENDPOINT"))
        .region(Region::new(variable("REGION")))
        .credentials_provider(Credentials::new(access, secret, None, None, "lane"))
        .force_path_style(true)
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

/// All checks.
pub async fn run(client: &Client) {
    let (key, other) = (Key::fresh(), Key::fresh());
    for size in [0, 1, SMALL] {
        let name = format!("aws-sdk-rust, {size} bytes, put, head and get with default checksums");
        check(&name, put_head_get(client, size, &key)).await;
    }
    check("aws-sdk-rust, a range", range(client, &key)).await;
    check(
        "aws-sdk-rust, no key is 400, a wrong key 403, nothing 404",
        refusals(client, &key, &other),
    )
    .await;
    check("aws-sdk-rust, multipart", multipart(client, &key)).await;
    check("aws-sdk-rust, a copy under another key", copy(client, &key, &other)).await;
    check("aws-sdk-rust, list and delete without a key", list_and_delete(client, &key)).await;
    check("aws-sdk-rust, presigned, covering the trio", presigned(client, &key, &other, true))
        .await;
    check(
        "aws-sdk-rust, presigned, covering the algorithm alone",
        presigned(client, &key, &other, false),
    )
    .await;
}

fn get(client: &Client, name: &str, key: &Key) -> GetObjectFluentBuilder {
    client
        .get_object()
        .bucket(BUCKET)
        .key(name)
        .sse_customer_algorithm("AES256")
        .sse_customer_key(&key.text)
        .sse_customer_key_md5(&key.md5)
        .checksum_mode(ChecksumMode::Enabled)
}

async fn read(asked: GetObjectFluentBuilder) -> Result<Vec<u8>, Failure> {
    Ok(asked.send().await?.body.collect().await?.to_vec())
}

/// Fails unless the request is refused with this status.
pub fn refused<T, E>(
    answer: Result<T, SdkError<E, HttpResponse>>,
    wanted: u16,
) -> Result<(), Failure> {
    let status = match &answer {
        Ok(_) => 200,
        Err(error) => error.raw_response().map_or(0, |response| response.status().as_u16()),
    };
    that(status == wanted, format!("wanted {wanted}, got {status}"))
}

async fn put(client: &Client, name: &str, body: &[u8], key: &Key) -> Result<String, Failure> {
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key(name)
        .body(ByteStream::from(body.to_vec()))
        .sse_customer_algorithm("AES256")
        .sse_customer_key(&key.text)
        .sse_customer_key_md5(&key.md5)
        .send()
        .await?;
    that(
        put.checksum_crc32().is_some() || put.checksum_crc64_nvme().is_some(),
        "no default checksum on the answer",
    )?;
    Ok(put.e_tag().unwrap_or_default().to_owned())
}

async fn put_head_get(client: &Client, size: usize, key: &Key) -> Result<(), Failure> {
    let (body, name) = (random(size), format!("sealed/{size}"));
    let etag = put(client, &name, &body, key).await?;
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key(&name)
        .sse_customer_algorithm("AES256")
        .sse_customer_key(&key.text)
        .sse_customer_key_md5(&key.md5)
        .send()
        .await?;
    that(
        head.content_length() == Some(size as i64) && head.e_tag() == Some(&etag),
        "head answers otherwise than put",
    )?;
    that(head.sse_customer_key_md5() == Some(&key.md5), "the key's MD5 is not answered")?;
    same(&read(get(client, &name, key)).await?, &body)
}

async fn range(client: &Client, key: &Key) -> Result<(), Failure> {
    let body = random(SMALL);
    put(client, "range", &body, key).await?;
    let got = read(get(client, "range", key).range("bytes=16383-16384")).await?;
    same(&got, &body[16383..16385])
}

async fn refusals(client: &Client, key: &Key, other: &Key) -> Result<(), Failure> {
    let bare = || client.get_object().bucket(BUCKET).key("sealed/1");
    refused(bare().send().await, 400)?;
    refused(client.head_object().bucket(BUCKET).key("sealed/1").send().await, 400)?;
    refused(get(client, "sealed/1", other).send().await, 403)?;
    refused(get(client, "none", key).send().await, 404)
}

async fn multipart(client: &Client, key: &Key) -> Result<(), Failure> {
    let (body, name) = (random(PART + 7), "parts");
    let created = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key(name)
        // S3 wants the algorithm chosen as soon as the parts are named with their checksums, and the key on Complete.
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .sse_customer_algorithm("AES256")
        .sse_customer_key(&key.text)
        .sse_customer_key_md5(&key.md5)
        .send()
        .await?;
    let upload = created.upload_id().unwrap_or_default();
    let mut done = CompletedMultipartUpload::builder();
    for (number, bytes) in (1..).zip([&body[..PART], &body[PART..]]) {
        let sent = client
            .upload_part()
            .bucket(BUCKET)
            .key(name)
            .upload_id(upload)
            .part_number(number)
            .body(ByteStream::from(bytes.to_vec()))
            .sse_customer_algorithm("AES256")
            .sse_customer_key(&key.text)
            .sse_customer_key_md5(&key.md5)
            .send()
            .await?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32)
            .set_checksum_crc64_nvme(sent.checksum_crc64_nvme);
        done = done.parts(part.build());
    }
    client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key(name)
        .upload_id(upload)
        .multipart_upload(done.build())
        .sse_customer_algorithm("AES256")
        .sse_customer_key(&key.text)
        .sse_customer_key_md5(&key.md5)
        .send()
        .await?;
    same(&read(get(client, name, key)).await?, &body)
}

async fn copy(client: &Client, key: &Key, other: &Key) -> Result<(), Failure> {
    let body = random(SMALL);
    put(client, "old", &body, key).await?;
    client
        .copy_object()
        .bucket(BUCKET)
        .key("new")
        .copy_source(format!("{BUCKET}/old"))
        .copy_source_sse_customer_algorithm("AES256")
        .copy_source_sse_customer_key(&key.text)
        .copy_source_sse_customer_key_md5(&key.md5)
        .sse_customer_algorithm("AES256")
        .sse_customer_key(&other.text)
        .sse_customer_key_md5(&other.md5)
        .send()
        .await?;
    same(&read(get(client, "new", other)).await?, &body)?;
    refused(get(client, "new", key).send().await, 403)
}

async fn list_and_delete(client: &Client, key: &Key) -> Result<(), Failure> {
    let listed = client.list_objects_v2().bucket(BUCKET).prefix("sealed/").send().await?;
    let sizes: Vec<_> = listed.contents().iter().filter_map(|row| row.size()).collect();
    that(sizes == [0, 1, SMALL as i64], format!("listed {sizes:?}"))?;
    client.delete_object().bucket(BUCKET).key("sealed/1").send().await?;
    refused(get(client, "sealed/1", key).send().await, 404)
}

/// The URL covers the trio, or the algorithm alone; the rest travels beside it.
async fn presigned(client: &Client, key: &Key, other: &Key, pinned: bool) -> Result<(), Failure> {
    let life = || PresigningConfig::expires_in(Duration::from_secs(300));
    let covered = |value: &String| pinned.then(|| value.clone());
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key("presigned")
        .sse_customer_algorithm("AES256")
        .set_sse_customer_key(covered(&key.text))
        .set_sse_customer_key_md5(covered(&key.md5))
        .presigned(life()?)
        .await?;
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key("presigned")
        .sse_customer_algorithm("AES256")
        .set_sse_customer_key(covered(&key.text))
        .set_sse_customer_key_md5(covered(&key.md5))
        .presigned(life()?)
        .await?;
    let body = random(SMALL);
    let (status, answer) = fetch(&put, Some(key), body.clone()).await?;
    that(status == 200, format!("PUT answered {status}: {}", String::from_utf8_lossy(&answer)))?;
    let (status, answer) = fetch(&get, Some(key), Vec::new()).await?;
    that(status == 200, format!("GET answered {status}"))?;
    same(&answer, &body)?;
    let (status, _) = fetch(&get, Some(other), Vec::new()).await?;
    that(status == 403, format!("GET under another key answered {status}"))?;
    // What the URL pins must come with it; what it leaves open, S3 asks for.
    let without = if pinned { 403 } else { 400 };
    for url in [&get, &put] {
        let (status, _) = fetch(url, None, Vec::new()).await?;
        that(status == without, format!("{} without the key answered {status}", url.method()))?;
    }
    // A URL that pins the key takes no other; one that does not lets its holder choose.
    let (status, _) = fetch(&put, Some(other), Vec::new()).await?;
    let wanted = if pinned { 403 } else { 200 };
    that(status == wanted, format!("PUT under another key answered {status}"))
}

/// Uses a URL with the algorithm and the headers that belong to `key`, or without those; status and body.
async fn fetch(
    url: &PresignedRequest,
    key: Option<&Key>,
    body: Vec<u8>,
) -> Result<(u16, Vec<u8>), Failure> {
    let mut request = reqwest::Client::new().request(url.method().parse()?, url.uri()).body(body);
    for (name, value) in
        url.headers().filter(|(name, _)| !TRIO.contains(&name.to_lowercase().as_str()))
    {
        request = request.header(name, value);
    }
    request = request.header(TRIO[0], "AES256");
    if let Some(key) = key {
        request = request.header(TRIO[1], &key.text).header(TRIO[2], &key.md5);
    }
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.bytes().await?.to_vec()))
}
