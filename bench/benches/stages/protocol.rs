//! Signatures, and a page of a listing as text.

use std::hint::black_box;

use criterion::Criterion;
use http::Request;
use object_engine::clock::Timestamp;
use s3_front::{
    signature::{Authentication, RequestHead, Verifier},
    xml::{Encoding, XmlWriter},
};

const ENTRIES: usize = 1_000;
/// What the listing reserves for an entry.
const ENTRY_BYTES: usize = 384;

/// All stages of this module.
pub(crate) fn measure(criterion: &mut Criterion) {
    let in_query = bench::Workload::Get4K.request();
    signature(criterion, "signature: presigned", in_query);
    signature(criterion, "signature: header", bench::get_signed_in_header());
    criterion.bench_function("XML page of 1,000 keys", |bencher| bencher.iter(page));
}

/// Reading and verifying the signature of a GET with a customer key. The signing key is cached, as it
/// is for all but the first request of a day.
fn signature<B>(criterion: &mut Criterion, name: &str, request: Request<B>) {
    let parts = request.into_parts().0;
    let verifier = Verifier::new(bench::REGION);
    let now = Timestamp(bench::NOW_SECONDS as i64 * 1_000);
    let secret = bench::SECRET.as_bytes();
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let head = RequestHead::of(black_box(&parts));
            let Ok(Authentication::Signed(claim)) = verifier.read(&head, now) else {
                panic!("the request is signed");
            };
            verifier.verify(&head, &claim, secret).expect("the signature is right")
        });
    });
}

/// As ListObjectsV2 writes one.
fn page() -> String {
    let mut writer = XmlWriter::new("ListBucketResult");
    writer.expect_bytes(ENTRIES * ENTRY_BYTES);
    for number in 0..ENTRIES {
        writer.inside("Contents", |contents| {
            contents
                .text("Key", Encoding::Url.apply(&format!("small/{number:06}")))
                .text("LastModified", "2026-01-02T03:04:05.000Z")
                .text("ETag", "\"0123456789abcdef0123456789abcdef\"")
                .text("ChecksumAlgorithm", "CRC64NVME")
                .text("ChecksumType", "FULL_OBJECT")
                .text("Size", black_box(4_096))
                .text("StorageClass", "STANDARD");
        });
    }
    writer.finish()
}
