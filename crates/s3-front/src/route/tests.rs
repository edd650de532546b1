use super::*;

fn asked(method: &str, host: &str, target: &str, is_copy: bool) -> S3Result<Route> {
    let (path, raw) = target.split_once('?').unwrap_or((target, ""));
    let query = Query::parse(raw)?;
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let asked = Asked { method: &method, host: Some(host), path, query: &query, is_copy };
    route(asked, &["example.com".to_owned(), "s3.example.com".to_owned()])
}

fn name(method: &str, target: &str) -> &'static str {
    asked(method, "localhost", target, false)
        .map_or_else(|error| error.code().as_str(), |route| route.name())
}

#[test]
fn every_operation_has_its_row() {
    for (method, target, operation) in [
        ("GET", "/", "ListBuckets"),
        (
            "GET",
            "/?max-buckets=3&prefix=a&continuation-token=x&bucket-region=r&x-id=ListBuckets",
            "ListBuckets",
        ),
        ("PUT", "/bkt", "CreateBucket"),
        ("PUT", "/bkt/", "CreateBucket"),
        ("HEAD", "/bkt", "HeadBucket"),
        ("DELETE", "/bkt/", "DeleteBucket"),
        ("GET", "/bkt?location", "GetBucketLocation"),
        ("GET", "/bkt?policy", "GetBucketPolicy"),
        ("PUT", "/bkt?policy", "PutBucketPolicy"),
        ("DELETE", "/bkt?policy", "DeleteBucketPolicy"),
        ("GET", "/bkt?policyStatus", "GetBucketPolicyStatus"),
        ("GET", "/bkt?publicAccessBlock", "GetPublicAccessBlock"),
        ("PUT", "/bkt?publicAccessBlock", "PutPublicAccessBlock"),
        ("DELETE", "/bkt?publicAccessBlock=", "DeletePublicAccessBlock"),
        ("GET", "/bkt?uploads&prefix=a", "ListMultipartUploads"),
        ("GET", "/bkt", "ListObjects"),
        ("GET", "/bkt?marker=a&max-keys=2", "ListObjects"),
        ("GET", "/bkt?list-type=2&start-after=a&fetch-owner=true", "ListObjectsV2"),
        ("POST", "/bkt?delete", "DeleteObjects"),
        ("POST", "/bkt?delete=&x-id=DeleteObjects", "DeleteObjects"),
        ("POST", "/bkt", "PostObject"),
        ("POST", "/bkt/", "PostObject"),
        ("PUT", "/bkt/key", "PutObject"),
        ("PUT", "/bkt/key?x-id=PutObject", "PutObject"),
        ("GET", "/bkt/a/b/", "GetObject"),
        ("GET", "/bkt/k?versionId=null&response-content-type=x", "GetObject"),
        ("HEAD", "/bkt/k?partNumber=1", "HeadObject"),
        ("DELETE", "/bkt/k?versionId=1", "DeleteObject"),
        ("POST", "/bkt/k?uploads", "CreateMultipartUpload"),
        ("PUT", "/bkt/k?partNumber=1&uploadId=x", "UploadPart"),
        ("POST", "/bkt/k?uploadId=x", "CompleteMultipartUpload"),
        ("DELETE", "/bkt/k?uploadId=x", "AbortMultipartUpload"),
        ("GET", "/bkt/k?uploadId=x&max-parts=1&part-number-marker=2", "ListParts"),
    ] {
        assert_eq!(name(method, target), operation, "{method} {target}");
    }
}

/// Every sub-resource of the S3 API that is not built, and one that nobody knows, on every method:
/// never another operation.
#[test]
fn no_sub_resource_falls_through() {
    let unbuilt = "abac analytics intelligent-tiering inventory logging \
        metadataConfiguration metadataTable metrics notification renameObject replication \
        session website nobody-knows";
    for sub_resource in unbuilt.split_whitespace() {
        for target in ["/bkt", "/bkt/key"] {
            for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
                for query in [
                    sub_resource.to_owned(),
                    format!("{sub_resource}=1"),
                    format!("x-id=a&{sub_resource}"),
                ] {
                    assert_eq!(
                        name(method, &format!("{target}?{query}")),
                        "NotImplemented",
                        "{method} {target}?{query}"
                    );
                }
            }
        }
    }
    assert_eq!(name("GET", "/?acl"), "NotImplemented");
}

/// A sub-resource that is built has the methods of its rows and no others, and stands alone.
#[test]
fn sub_resources_have_their_own_methods() {
    for (method, target, operation) in [
        ("GET", "/bkt?versioning", "GetBucketVersioning"),
        ("PUT", "/bkt?versioning=&x-id=PutBucketVersioning", "PutBucketVersioning"),
        ("DELETE", "/bkt?versioning", "NotImplemented"),
        ("GET", "/bkt?versions&key-marker=a&version-id-marker=null", "ListObjectVersions"),
        ("GET", "/bkt?versions&continuation-token=a", "NotImplemented"),
        ("PUT", "/bkt?versions", "NotImplemented"),
        ("GET", "/bkt?accelerate", "GetBucketAccelerateConfiguration"),
        ("PUT", "/bkt?accelerate", "NotImplemented"),
        ("GET", "/bkt?cors", "GetBucketCors"),
        ("PUT", "/bkt?cors", "PutBucketCors"),
        ("DELETE", "/bkt?cors", "DeleteBucketCors"),
        ("HEAD", "/bkt?cors", "NotImplemented"),
        ("GET", "/bkt/k?cors", "NotImplemented"),
        ("GET", "/bkt?requestPayment", "GetBucketRequestPayment"),
        ("PUT", "/bkt?requestPayment", "PutBucketRequestPayment"),
        ("DELETE", "/bkt?requestPayment", "NotImplemented"),
        ("DELETE", "/bkt?encryption", "DeleteBucketEncryption"),
        ("HEAD", "/bkt?encryption", "NotImplemented"),
        ("POST", "/bkt?tagging", "NotImplemented"),
        ("DELETE", "/bkt?acl", "NotImplemented"),
        ("DELETE", "/bkt?object-lock", "NotImplemented"),
        ("DELETE", "/bkt?ownershipControls", "DeleteBucketOwnershipControls"),
        ("GET", "/bkt?attributes", "NotImplemented"),
        ("GET", "/bkt/k?attributes&versionId=1", "GetObjectAttributes"),
        ("PUT", "/bkt/k?attributes", "NotImplemented"),
        ("GET", "/bkt/k?versions", "NotImplemented"),
        ("PUT", "/bkt/k?versioning", "NotImplemented"),
        ("PUT", "/bkt/k?encryption", "NotImplemented"),
        ("DELETE", "/bkt/k?tagging&versionId=1", "DeleteObjectTagging"),
        ("PUT", "/bkt/k?tagging&partNumber=1", "NotImplemented"),
        ("DELETE", "/bkt/k?acl", "NotImplemented"),
        ("DELETE", "/bkt/k?retention", "NotImplemented"),
        ("POST", "/bkt/k?select&select-type=2", "SelectObjectContent"),
        ("GET", "/bkt/k?select", "NotImplemented"),
        ("POST", "/bkt/k?restore&uploadId=1", "NotImplemented"),
        ("GET", "/bkt/k?acl&tagging", "NotImplemented"),
    ] {
        assert_eq!(name(method, target), operation, "{method} {target}");
    }
}

#[test]
fn parameters_belong_to_their_own_operation() {
    for (method, target) in [
        ("HEAD", "/bkt?policy"),
        ("POST", "/bkt?policy"),
        ("PUT", "/bkt?policyStatus"),
        ("DELETE", "/bkt?policyStatus"),
        ("POST", "/bkt?publicAccessBlock"),
        ("GET", "/bkt?policy&publicAccessBlock"),
        ("GET", "/bkt?policy&location"),
        ("GET", "/bkt/k?policy"),
        ("PUT", "/bkt/k?policy"),
        ("DELETE", "/bkt/k?policy"),
        ("GET", "/bkt/k?policyStatus"),
        ("PUT", "/bkt/k?publicAccessBlock"),
        ("GET", "/?policy"),
        ("PUT", "/bkt?uploads"),
        ("PUT", "/bkt?delete"),
        ("DELETE", "/bkt?location"),
        ("PUT", "/bkt/k?versionId=1"),
        ("PUT", "/bkt/k?uploads"),
        ("DELETE", "/bkt/k?partNumber=1"),
        ("GET", "/bkt/k?delete"),
        ("GET", "/bkt?list-type=2&response-content-type=x"),
        ("POST", "/bkt/k?uploads&uploadId=x"),
        ("HEAD", "/bkt/k?uploadId=x"),
    ] {
        assert_eq!(name(method, target), "NotImplemented", "{method} {target}");
    }
    assert_eq!(name("PUT", "/bkt/k?uploadId=x"), "InvalidArgument");
    assert_eq!(name("PUT", "/bkt/k?partNumber=1"), "InvalidArgument");
    assert_eq!(name("GET", "/bkt?list-type=3"), "InvalidArgument");
}

#[test]
fn methods_without_an_operation_are_refused() {
    for (method, target) in [
        ("PUT", "/"),
        ("POST", "/"),
        ("HEAD", "/"),
        ("PATCH", "/bkt"),
        ("OPTIONS", "/bkt"),
        ("OPTIONS", "/bkt/k"),
        ("POST", "/bkt/k"),
        ("TRACE", "/bkt/k"),
    ] {
        assert_eq!(name(method, target), "MethodNotAllowed", "{method} {target}");
    }
}

#[test]
fn a_copy_is_never_a_put() {
    let copy = |target: &str| asked("PUT", "localhost", target, true);
    assert_eq!(copy("/bkt/k").unwrap().name(), "CopyObject");
    assert_eq!(copy("/bkt/k?partNumber=1&uploadId=x").unwrap().name(), "UploadPartCopy");
    for target in ["/bkt/k?uploadId=x", "/bkt/k?partNumber=1"] {
        assert_eq!(copy(target).unwrap_err().code(), ErrorCode::InvalidArgument);
    }
}

#[test]
fn hosts_name_buckets_under_the_configured_domains() {
    let found = |host: &str, target: &str| match asked("GET", host, target, false) {
        Ok(Route::Service(_)) => "service".to_owned(),
        Ok(Route::Bucket(bucket, _)) => bucket.to_string(),
        Ok(Route::Object(bucket, key, _)) => format!("{bucket} {key}"),
        Ok(other) => other.name().to_owned(),
        Err(error) => error.code().as_str().to_owned(),
    };
    for (host, target, expected) in [
        ("bkt.example.com", "/", "bkt"),
        ("BKT.Example.COM", "/k", "InvalidBucketName"),
        ("bkt.Example.COM", "/a/b", "bkt a/b"),
        ("a.b.example.com", "/k", "a.b k"),
        ("bkt.s3.example.com", "/k", "bkt k"),
        ("s3.example.com", "/bkt/k", "bkt k"),
        ("example.com", "/", "service"),
        ("bkt.example.org", "/", "service"),
        ("notexample.com", "/bkt", "bkt"),
        ("bkt.example.com", "/-/ready", "bkt -/ready"),
        ("localhost", "/-/ready", "InvalidBucketName"),
        ("localhost", "/bkt//k", "bkt /k"),
        ("localhost", "/bkt/%2F", "bkt /"),
    ] {
        assert_eq!(found(host, target), expected, "{host} {target}");
    }
}

#[test]
fn names_are_checked() {
    for (target, code) in [
        ("/Bad", "InvalidBucketName"),
        ("/ab/k", "InvalidBucketName"),
        ("//k", "InvalidBucketName"),
        ("/bkt/%00", "InvalidURI"),
        ("/bkt/%", "InvalidURI"),
        ("/bkt/%ff", "InvalidURI"),
        ("bkt", "InvalidURI"),
        ("/bkt/k?a=%", "InvalidURI"),
    ] {
        assert_eq!(name("GET", target), code, "{target}");
    }
    assert_eq!(name("GET", &format!("/bkt/{}", "k".repeat(1_024))), "GetObject");
    assert_eq!(name("GET", &format!("/bkt/{}", "k".repeat(1_025))), "KeyTooLongError");
}
