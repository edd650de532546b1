//! The SSE-C errors of CopyObject and UploadPartCopy: the source's trio, then the target's.

use crate::{
    client::{
        ALGORITHM, Ask, KEY, KEY_A, KEY_B, KEY_MD5, KEY_SHORT, SOURCE, SOURCE_ALGORITHM,
        SOURCE_KEY, SOURCE_KEY_MD5, SSE,
    },
    sse_c::*,
    world::World,
};

/// A world with `/bkt/sealed` under key A, `/bkt/plain`, and an upload of each kind.
struct Scene {
    world: World,
    sealed_upload: String,
    plain_upload: String,
}

/// The two operations.
const BOTH: [&str; 2] = ["CopyObject", "UploadPartCopy"];

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        world.put("/bkt/plain", "hello").await;
        world.ask("PUT", "/bkt/sealed").key(KEY_A).body("hello").send().await.expect_status(200);
        let started = world.ask("POST", "/bkt/to?uploads").key(KEY_A).send().await;
        let sealed_upload = started.expect_status(200).element("UploadId").unwrap();
        let started = world.ask("POST", "/bkt/to?uploads").send().await;
        let plain_upload = started.expect_status(200).element("UploadId").unwrap();
        Self { world, sealed_upload, plain_upload }
    }

    /// A copy of `/bkt/{from}`; as a part, into the upload under key A.
    fn copy(&self, operation: &str, from: &str) -> Ask<'_> {
        self.copy_into(operation, from, &self.sealed_upload)
    }

    fn copy_into(&self, operation: &str, from: &str, upload: &str) -> Ask<'_> {
        let target = match operation {
            "CopyObject" => "/bkt/to".to_owned(),
            _ => format!("/bkt/to?partNumber=1&uploadId={upload}"),
        };
        self.world.ask("PUT", &target).header(SOURCE, &format!("/bkt/{from}"))
    }
}

#[tokio::test]
async fn e1_on_both_trios() {
    let scene = Scene::new().await;
    for operation in BOTH {
        for name in [ALGORITHM, KEY, KEY_MD5, SOURCE_ALGORITHM, SOURCE_KEY, SOURCE_KEY_MD5] {
            let reply = scene.copy(operation, "sealed").header(name, "").insecure().send().await;
            expect(reply, operation, 400, "InvalidArgument", INSECURE, Some(None));
        }
    }
}

#[tokio::test]
async fn e2_to_e8_on_the_source_whose_md5_is_optional() {
    let scene = Scene::new().await;
    let (key, md5) = KEY_A;
    let rows: &[Row<'_>] = &[
        (&[(SOURCE_KEY, key), (SOURCE_KEY_MD5, md5)], "InvalidArgument", NO_ALGORITHM, None),
        (&[(SOURCE_KEY_MD5, md5)], "InvalidArgument", NO_ALGORITHM, None),
        (&[(SOURCE_ALGORITHM, "AES256")], "InvalidArgument", NO_KEY, None),
        (&[(SOURCE_ALGORITHM, ""), (SOURCE_KEY_MD5, md5)], "InvalidArgument", NO_KEY, None),
        (&[(SOURCE_ALGORITHM, "AES256"), (SOURCE_KEY, "")], "InvalidArgument", TOO_SHORT, Some("")),
        (
            &[(SOURCE_ALGORITHM, "bad"), (SOURCE_KEY, "####"), (SOURCE_KEY_MD5, "bad")],
            "InvalidArgument",
            TOO_SHORT,
            Some("####"),
        ),
        (
            &[(SOURCE_ALGORITHM, "bad"), (SOURCE_KEY, key), (SOURCE_KEY_MD5, "bad")],
            "InvalidArgument",
            MD5_DIFFERS,
            None,
        ),
        (
            &[(SOURCE_ALGORITHM, "AES256"), (SOURCE_KEY, key), (SOURCE_KEY_MD5, "")],
            "InvalidArgument",
            MD5_DIFFERS,
            None,
        ),
        (
            &[(SOURCE_ALGORITHM, "aes256"), (SOURCE_KEY, key)],
            "InvalidEncryptionAlgorithmError",
            BAD_ALGORITHM,
            Some("aes256"),
        ),
        (
            &[(SOURCE_ALGORITHM, "KMS"), (SOURCE_KEY, KEY_SHORT.0), (SOURCE_KEY_MD5, KEY_SHORT.1)],
            "InvalidEncryptionAlgorithmError",
            BAD_ALGORITHM,
            Some("KMS"),
        ),
    ];
    for operation in BOTH {
        for (headers, code, message, value) in rows {
            // Whatever is wrong with the target's trio, the source's comes first.
            for target in [[].as_slice(), &[(ALGORITHM, "bad"), (KEY, "")], &[(KEY, "ZZ")]] {
                let ask = scene.copy(operation, "sealed").headers(headers).headers(target);
                let what = format!("{operation} {headers:?} {target:?}");
                expect(ask.send().await, &what, 400, code, message, Some(*value));
            }
        }
        let without_md5 = [(SOURCE_ALGORITHM, "AES256"), (SOURCE_KEY, key)];
        let copied = scene.copy(operation, "sealed").headers(&without_md5).key(KEY_A).send().await;
        copied.expect_status(200);
    }
}

#[tokio::test]
async fn e2_to_e9_on_the_target() {
    let scene = Scene::new().await;
    let (key, md5) = KEY_A;
    let rows: &[Row<'_>] = &[
        (&[(KEY, key), (KEY_MD5, md5)], "InvalidArgument", NO_ALGORITHM, None),
        (&[(KEY_MD5, md5)], "InvalidArgument", NO_ALGORITHM, None),
        (&[(ALGORITHM, "AES256")], "InvalidArgument", NO_KEY, None),
        (
            &[(ALGORITHM, "AES256"), (KEY, "a"), (KEY_MD5, md5)],
            "InvalidArgument",
            TOO_SHORT,
            Some("a"),
        ),
        (&[(ALGORITHM, "AES256"), (KEY, key)], "InvalidArgument", NO_MD5, None),
        (&[(ALGORITHM, "bad"), (KEY, key), (KEY_MD5, "bad")], "InvalidArgument", MD5_DIFFERS, None),
        (
            &[(ALGORITHM, "AES128-INVALID"), (KEY, KEY_SHORT.0), (KEY_MD5, KEY_SHORT.1)],
            "InvalidEncryptionAlgorithmError",
            BAD_ALGORITHM,
            Some("AES128-INVALID"),
        ),
    ];
    for operation in BOTH {
        for (headers, code, message, value) in rows {
            // Even if the source is not there, or its key is not the one.
            for (from, source) in [("sealed", KEY_A), ("sealed", KEY_B), ("none", KEY_A)] {
                let ask = scene.copy(operation, from).source_key(source).headers(headers);
                let what = format!("{operation} {headers:?} {from}");
                expect(ask.send().await, &what, 400, code, message, Some(*value));
            }
        }
        let reply = scene.copy(operation, "sealed").source_key(KEY_A).key(KEY_SHORT).send().await;
        match operation {
            "CopyObject" => {
                expect(reply, operation, 400, "InvalidArgument", WRONG_LENGTH, Some(None));
            }
            _ => expect(reply, operation, 400, "InvalidRequest", KEY_DIFFERS, None),
        }
    }
    scene.world.ask("GET", "/bkt/to").send().await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn e9p_e11_e12_and_e15_on_the_source() {
    let scene = Scene::new().await;
    for operation in BOTH {
        let sealed = || scene.copy(operation, "sealed").key(KEY_A);
        let plain = || scene.copy(operation, "plain").key(KEY_A);
        for (ask, message) in [
            (sealed(), KEY_REQUIRED),
            (sealed().source_key(KEY_B), KEY_DIFFERS),
            (sealed().source_key(KEY_SHORT), KEY_DIFFERS),
            (plain().source_key(KEY_A), NOT_APPLICABLE),
            (plain().source_key(KEY_SHORT), NOT_APPLICABLE),
        ] {
            expect(ask.send().await, operation, 400, "InvalidRequest", message, None);
        }
        let none = scene.copy(operation, "none").key(KEY_A).source_key(KEY_B).send().await;
        none.expect_error(404, "NoSuchKey");
    }
}

#[tokio::test]
async fn e10_on_the_target() {
    let scene = Scene::new().await;
    for value in ["AES256", "aws:kms"] {
        for operation in BOTH {
            let message = if operation == "CopyObject" { CONFLICT } else { NOT_ON_PARTS };
            let ask = scene.copy(operation, "plain").key(KEY_A).header(SSE, value);
            let reply = ask.send().await;
            expect(reply, operation, 400, "InvalidArgument", message, Some(Some(value)));
        }
    }
    let dual = scene.copy("CopyObject", "plain").header(SSE, "aws:kms:dsse").send().await;
    dual.expect_error(501, "NotImplemented");
}

#[tokio::test]
async fn e14_and_e15_on_the_upload() {
    let scene = Scene::new().await;
    let into = |upload: &str| scene.copy_into("UploadPartCopy", "plain", upload);
    for (ask, message) in [
        (into(&scene.sealed_upload), PART_DIFFERS),
        (into(&scene.plain_upload).key(KEY_A), PART_DIFFERS),
        (into(&scene.plain_upload).key(KEY_SHORT), PART_DIFFERS),
        (into(&scene.sealed_upload).key(KEY_B), KEY_DIFFERS),
        (into(&scene.sealed_upload).key(KEY_SHORT), KEY_DIFFERS),
    ] {
        expect(ask.send().await, "part", 400, "InvalidRequest", message, None);
    }
    into(&scene.sealed_upload).key(KEY_A).send().await.expect_status(200);
    into(&scene.plain_upload).send().await.expect_status(200);
}

/// What many clients do: both trios on every copy, and all of it in a presigned query.
#[tokio::test]
async fn a_trio_may_stand_in_the_query() {
    let scene = Scene::new().await;
    let encoded = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let target = format!(
        "/bkt/to?{SOURCE}=%2Fbkt%2Fsealed&{SOURCE_ALGORITHM}=AES256&{SOURCE_KEY}={}&{SOURCE_KEY_MD5}={}",
        encoded(KEY_A.0),
        encoded(KEY_A.1)
    );
    scene.world.ask("PUT", &target).key(KEY_B).send().await.expect_status(200);
    let read = scene.world.ask("GET", "/bkt/to").key(KEY_B).send().await.expect_status(200);
    assert_eq!(read.text(), "hello");
}
