//! The AWS SDK for Rust, object_store and opendal against one server, each by its own public interface.
//!
//! Prints `ok NAME` or `FAIL NAME: why` a check. Trusts SSL_CERT_FILE; reads ENDPOINT, REGION and the AWS_
//! variables. Does not: reach below an interface, so what a client cannot do is not shown for it.

mod aws;
mod object_store_lane;
mod opendal_lane;

use std::{
    env,
    error::Error,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use md5::{Digest as _, Md5};

/// A body that is sent whole.
pub const SMALL: usize = 100_000;
/// The least that S3 takes as a part that is not the last.
pub const PART: usize = 5 << 20;

/// Why a check failed.
pub type Failure = Box<dyn Error>;

static FAILED: AtomicBool = AtomicBool::new(false);

/// Runs one check and prints what it came to.
pub async fn check(name: &str, body: impl Future<Output = Result<(), Failure>>) {
    match body.await {
        Ok(()) => println!("ok {name}"),
        Err(error) => {
            FAILED.store(true, Ordering::Relaxed);
            let text: String = format!("{error:?}").replace('\n', " ").chars().take(800).collect();
            println!("FAIL {name}: {text}");
        }
    }
}

/// Fails with `message` unless `condition` holds.
pub fn that(condition: bool, message: impl Into<String>) -> Result<(), Failure> {
    if condition { Ok(()) } else { Err(message.into().into()) }
}

/// Fails unless the bytes are equal.
pub fn same(got: &[u8], wanted: &[u8]) -> Result<(), Failure> {
    that(got == wanted, format!("other bytes: {} for {}", got.len(), wanted.len()))
}

/// `size` random bytes.
pub fn random(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    getrandom::fill(&mut bytes).expect("the system has a generator");
    bytes
}

/// A variable of the lane's environment.
pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// A customer key, as the clients want it.
#[derive(Clone)]
pub struct Key {
    /// 32 bytes.
    pub raw: Vec<u8>,
    /// In base64.
    pub text: String,
    /// The MD5 of the bytes, in base64.
    pub md5: String,
}

impl Key {
    /// A new one.
    pub fn fresh() -> Self {
        let raw = random(32);
        let (text, md5) = (BASE64_STANDARD.encode(&raw), BASE64_STANDARD.encode(Md5::digest(&raw)));
        Self { raw, text, md5 }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let client = aws::connect();
    for bucket in [aws::BUCKET, object_store_lane::BUCKET, opendal_lane::BUCKET] {
        client.create_bucket().bucket(bucket).send().await.expect("a bucket is made");
    }
    aws::run(&client).await;
    object_store_lane::run().await;
    opendal_lane::run(&client).await;
    if FAILED.load(Ordering::Relaxed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
