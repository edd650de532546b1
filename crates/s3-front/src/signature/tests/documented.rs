//! The examples of the S3 API reference, "Signature Calculations for the Authorization Header",
//! "... Transferring Payload in Multiple Chunks", "... Including Trailing Headers" and "Using Query
//! Parameters".

use super::{KEY_ID, Request};
use crate::signature::hex;
use crate::signature::{ChunkSigner, Payload, SignatureError};

const AT: &str = "20130524T000000Z";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn signed(method: &str, target: &str, headers: &[(&str, &str)], signature: &str) -> Request {
    let mut request = Request::new(method, target, headers);
    request.add("x-amz-date", AT);
    let mut names: Vec<&str> = request.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={KEY_ID}/20130524/us-east-1/s3/aws4_request,SignedHeaders={},Signature={signature}",
        names.join(";")
    );
    request.add("authorization", &authorization);
    request
}

const BUCKET: (&str, &str) = ("host", "examplebucket.s3.amazonaws.com");

#[test]
fn requests_signed_in_headers() {
    let put = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    let get = ("x-amz-content-sha256", EMPTY);
    for request in [
        signed(
            "GET",
            "/test.txt",
            &[BUCKET, ("range", "bytes=0-9"), get],
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        signed(
            "PUT",
            "/test$file.text",
            &[
                BUCKET,
                ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ("x-amz-content-sha256", put),
            ],
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        signed(
            "GET",
            "/?lifecycle",
            &[BUCKET, get],
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        signed(
            "GET",
            "/?max-keys=2&prefix=J",
            &[BUCKET, get],
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        assert!(matches!(request.verify(AT), Ok(Payload::Sha256(_))), "{request:?}");
        let mut other = request.clone();
        other.path.push('x');
        assert!(matches!(other.verify(AT), Err(SignatureError::SignatureDoesNotMatch(_))));
    }
}

#[test]
fn a_presigned_url() {
    let target = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let request = Request::new("GET", target, &[BUCKET]);
    assert!(matches!(request.verify("20130524T235959Z"), Ok(Payload::Unsigned)));
    let error = request.verify("20130525T000001Z").unwrap_err();
    assert_eq!(error.to_string(), "Request has expired");
    let expected = SignatureError::RequestExpired {
        x_amz_expires: Some(86_400),
        expires: "2013-05-25T00:00:00Z".to_owned(),
        server_time: "2013-05-25T00:00:01Z".to_owned(),
    };
    assert_eq!(error, expected);
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().try_into().unwrap()
}

fn streaming(payload: &str, extra: &[(&str, &str)], signature: &str) -> ChunkSigner {
    let mut headers = vec![
        ("host", "s3.amazonaws.com"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", payload),
    ];
    headers.extend_from_slice(extra);
    let request = signed("PUT", "/examplebucket/chunkObject.txt", &headers, signature);
    match request.verify(AT).unwrap() {
        Payload::SignedChunks(signer) => signer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn signed_chunks() {
    let mut signer = streaming(
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        &[("content-length", "66824")],
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    );
    assert!(!signer.has_trailer());
    for (size, signature) in [
        (65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ] {
        signer.verify_chunk(&sha256(&vec![b'a'; size]), signature.as_bytes()).unwrap();
    }
    // The same signature a second time is not the next one.
    let repeated = "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9";
    assert!(signer.verify_chunk(&sha256(b""), repeated.as_bytes()).is_err());
}

#[test]
fn signed_chunks_with_a_signed_trailer() {
    let mut signer = streaming(
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        &[("x-amz-trailer", "x-amz-checksum-crc32c")],
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    );
    assert!(signer.has_trailer());
    for (size, signature) in [
        (65_536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
        (1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
        (0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
    ] {
        signer.verify_chunk(&sha256(&vec![b'a'; size]), signature.as_bytes()).unwrap();
    }
    let lines = b"x-amz-checksum-crc32c:sOO8/Q==\n";
    let signature = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
    let error = signer.verify_trailer(&sha256(lines), signature.as_bytes());
    assert_eq!(error, Ok(()));
    assert_eq!(hex::text(&sha256(b"")), EMPTY);
}
