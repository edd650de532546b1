//! Every operation, with every kind of bad key, under every profile: one table, no cell untested.

use s3_front::service::Profile;

use crate::{
    client::{ALGORITHM, Ask, KEY, KEY_A, KEY_B, KEY_MD5, KEY_SHORT, Reply, SSE},
    post_object::Form,
    world::World,
};

/// What the OVH guide's shell pipeline makes of [`KEY_A`]: base64(hex(MD5(text + "\n")) + "\n").
const GUIDE_MD5: &str = "NWQwMjgyMTA3OTE4YTdlZmFjYTRiZWI1NDU2ZGQwNjgK";

/// The answers of the specification by their names there, OVH's own three, and Ceph's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Done,
    E1,
    E2,
    E3,
    E4,
    E5,
    E6,
    E7,
    E8,
    E9,
    E10,
    E10p,
    E11,
    E12,
    E13,
    E14,
    E15,
    E16,
    E20,
    /// OVH's E2.
    NoAlgorithm,
    /// OVH's E4 and E9.
    NoKeyOf32,
    /// OVH's E11.
    NoKey,
    /// Ceph's E13.
    OtherKey,
}

use Answer::*;

impl Answer {
    /// Status, code, message, and whether an argument is named.
    fn told(self) -> (u16, &'static str, &'static str, bool) {
        match self {
            Done => unreachable!("not an error"),
            E1 => (
                400,
                "InvalidArgument",
                "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.",
                true,
            ),
            E2 => (
                400,
                "InvalidArgument",
                "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
                true,
            ),
            E3 => (
                400,
                "InvalidArgument",
                "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
                true,
            ),
            E4 => (400, "InvalidArgument", "The secret key was invalid - too short.", true),
            E5 => (
                400,
                "InvalidArgument",
                "The secret key was improperly encoded. The secret key must be Base64 encoded.",
                true,
            ),
            E6 => (
                400,
                "InvalidArgument",
                "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
                true,
            ),
            E7 => (
                400,
                "InvalidArgument",
                "The calculated MD5 hash of the key did not match the hash that was provided.",
                true,
            ),
            E8 => (
                400,
                "InvalidEncryptionAlgorithmError",
                "The Encryption request you specified is not valid. Supported value: AES256.",
                true,
            ),
            E9 => (
                400,
                "InvalidArgument",
                "The secret key was invalid for the specified algorithm.",
                true,
            ),
            E10 => (
                400,
                "InvalidArgument",
                "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
                true,
            ),
            E10p | E20 => (
                400,
                "InvalidArgument",
                "x-amz-server-side-encryption header is not supported for this operation.",
                true,
            ),
            E11 => (
                400,
                "InvalidRequest",
                "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
                false,
            ),
            E12 => (
                400,
                "InvalidRequest",
                "The encryption parameters are not applicable to this object.",
                false,
            ),
            E13 => (
                403,
                "AccessDenied",
                "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
                false,
            ),
            E14 => (
                400,
                "InvalidRequest",
                "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.",
                false,
            ),
            E15 => (
                400,
                "InvalidRequest",
                "The provided encryption parameters did not match the ones used originally.",
                false,
            ),
            E16 => (
                400,
                "InvalidRequest",
                "The object was stored using a form of Server Side Encryption. Correct SSE-C request parameters are required for this request when specifying checksums for each part.",
                false,
            ),
            NoAlgorithm => (
                400,
                "BadRequest",
                "Missing X-Amz-Server-Side-Encryption-Customer-Algorithm header",
                false,
            ),
            NoKeyOf32 => (
                400,
                "BadRequest",
                "X-Amz-Server-Side-Encryption-Customer-Key header must be a base64 encoding of exactly 32 raw bytes",
                false,
            ),
            NoKey => (
                400,
                "BadRequest",
                "Missing X-Amz-Server-Side-Encryption-Customer-Key header",
                false,
            ),
            OtherKey => (
                400,
                "InvalidArgument",
                "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
                false,
            ),
        }
    }
}

/// Operations that look at the key in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Begins an object.
    Begin,
    Part,
    Read,
    Complete,
    ListParts,
    /// Opens what it copies, as an object or as a part.
    Source,
    SourceOfPart,
    /// Has no use for a key.
    Keyless,
}

/// Every operation that takes a key (`key_coverage` holds that), and some that do not.
pub(crate) const OPERATIONS: [(&str, Class); 18] = [
    ("PutObject", Class::Begin),
    ("PostObject", Class::Begin),
    ("CreateMultipartUpload", Class::Begin),
    ("UploadPart", Class::Part),
    ("GetObject", Class::Read),
    ("HeadObject", Class::Read),
    ("GetObjectAttributes", Class::Read),
    ("CompleteMultipartUpload", Class::Complete),
    ("ListParts", Class::ListParts),
    ("CopyObject", Class::Begin),
    ("CopyObject from", Class::Source),
    ("UploadPartCopy", Class::Part),
    ("UploadPartCopy from", Class::SourceOfPart),
    ("DeleteObject", Class::Keyless),
    ("AbortMultipartUpload", Class::Keyless),
    ("ListObjects", Class::Keyless),
    ("ListObjectsV2", Class::Keyless),
    ("ListMultipartUploads", Class::Keyless),
];

/// One answer under every profile, or one for each: aws, ovh, ibm, obs, ceph.
#[derive(Clone, Copy)]
enum By {
    All(Answer),
    Each([Answer; 5]),
}

use By::{All, Each};

/// One under OVH's, another under the rest.
const fn ovh(others: Answer, ovh: Answer) -> By {
    Each([others, ovh, others, others, others])
}

/// What is sent, and what each class of operations answers.
struct Kind {
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    begin: By,
    part: By,
    read: By,
    complete: By,
    list_parts: By,
    source: By,
    /// What a refusal repeats of the request.
    value: Option<&'static str>,
    /// Against what is under no customer's key.
    plain: bool,
    insecure: bool,
}

const BASE: Kind = Kind {
    name: "",
    headers: &[],
    begin: All(Done),
    part: All(Done),
    read: All(Done),
    complete: All(Done),
    list_parts: All(Done),
    source: All(Done),
    value: None,
    plain: false,
    insecure: false,
};

const A: (&str, &str) = (ALGORITHM, "AES256");
const K: (&str, &str) = (KEY, KEY_A.0);
const M: (&str, &str) = (KEY_MD5, KEY_A.1);
const RIGHT: &[(&str, &str)] = &[A, K, M];

/// The table. Complete looks at a trio only when it is whole.
const KINDS: &[Kind] = &[
    Kind { name: "the right key", headers: RIGHT, ..BASE },
    Kind {
        name: "nothing",
        begin: All(Done),
        part: All(E14),
        read: ovh(E11, NoKey),
        source: ovh(E11, NoKey),
        ..BASE
    },
    Kind { name: "no algorithm", headers: &[K, M], ..same(ovh(E2, NoAlgorithm), All(Done)) },
    Kind { name: "a key alone", headers: &[K], ..same(ovh(E2, NoAlgorithm), All(Done)) },
    Kind { name: "an MD5 alone", headers: &[M], ..same(ovh(E2, NoAlgorithm), All(Done)) },
    Kind { name: "an algorithm alone", headers: &[A], ..same(All(E3), All(Done)) },
    Kind { name: "no key", headers: &[A, M], ..same(All(E3), All(Done)) },
    Kind {
        name: "an empty algorithm, no key",
        headers: &[(ALGORITHM, "")],
        ..same(All(E3), All(Done))
    },
    Kind {
        name: "an empty key",
        headers: &[A, (KEY, ""), M],
        value: Some(""),
        ..same(ovh(E4, NoKeyOf32), ovh(E4, NoKeyOf32))
    },
    Kind {
        name: "a key of no base64",
        headers: &[A, (KEY, "####"), M],
        value: Some("####"),
        ..same(ovh(E4, NoKeyOf32), ovh(E4, NoKeyOf32))
    },
    Kind {
        name: "no MD5",
        headers: &[A, K],
        begin: ovh(E6, Done),
        part: ovh(E6, Done),
        read: Each([Done, Done, E6, E6, Done]),
        list_parts: Each([Done, Done, E6, E6, Done]),
        source: Each([Done, Done, E6, E6, Done]),
        ..BASE
    },
    Kind { name: "an empty MD5", headers: &[A, K, (KEY_MD5, "")], ..same(All(E7), All(E7)) },
    Kind { name: "another MD5", headers: &[A, K, (KEY_MD5, KEY_B.1)], ..same(All(E7), All(E7)) },
    Kind {
        name: "the MD5 of the OVH guide",
        headers: &[A, K, (KEY_MD5, GUIDE_MD5)],
        ..same(ovh(E7, Done), ovh(E7, Done))
    },
    Kind {
        name: "the MD5 of the OVH guide and another key",
        headers: &[A, (KEY, KEY_B.0), (KEY_MD5, GUIDE_MD5)],
        ..same(All(E7), All(E7))
    },
    Kind {
        name: "a key without its padding",
        headers: &[A, (KEY, "K0+/yQHJcx5CgotqScZJqhfJ8hpfw4leiB3Bzyo8HSo"), M],
        ..same(All(E7), All(E7))
    },
    Kind {
        name: "a lower-case algorithm",
        headers: &[(ALGORITHM, "aes256"), K, M],
        value: Some("aes256"),
        ..same(All(E8), All(E8))
    },
    Kind {
        name: "an empty algorithm",
        headers: &[(ALGORITHM, ""), K, M],
        value: Some(""),
        ..same(All(E8), All(E8))
    },
    Kind {
        name: "a short key",
        headers: &[A, (KEY, KEY_SHORT.0), (KEY_MD5, KEY_SHORT.1)],
        begin: ovh(E9, NoKeyOf32),
        part: ovh(E15, NoKeyOf32),
        read: Each([E13, NoKeyOf32, E13, E13, OtherKey]),
        complete: ovh(E16, NoKeyOf32),
        list_parts: ovh(E15, NoKeyOf32),
        source: ovh(E15, NoKeyOf32),
        ..BASE
    },
    Kind {
        name: "another key",
        headers: &[A, (KEY, KEY_B.0), (KEY_MD5, KEY_B.1)],
        part: All(E15),
        read: Each([E13, E13, E13, E13, OtherKey]),
        complete: All(E16),
        list_parts: All(E15),
        source: All(E15),
        ..BASE
    },
    Kind {
        name: "a needless key",
        headers: RIGHT,
        plain: true,
        part: All(E14),
        read: All(E12),
        complete: All(E16),
        list_parts: All(E15),
        source: All(E12),
        ..BASE
    },
    Kind {
        name: "server-side encryption beside the key",
        headers: &[A, K, M, (SSE, "AES256")],
        value: Some("AES256"),
        begin: All(E10),
        part: All(E10p),
        read: All(E20),
        ..BASE
    },
    Kind { name: "plain HTTP", headers: RIGHT, insecure: true, ..same(All(E1), All(E1)) },
    Kind {
        name: "an algorithm over plain HTTP",
        headers: &[A],
        insecure: true,
        ..same(All(E1), All(E1))
    },
];

/// The same for all that take a key, and this for Complete.
const fn same(answer: By, complete: By) -> Kind {
    Kind {
        begin: answer,
        part: answer,
        read: answer,
        list_parts: answer,
        source: answer,
        complete,
        ..BASE
    }
}

impl Kind {
    fn wanted(&self, class: Class, profile: Profile) -> Answer {
        let by = match class {
            Class::Begin => self.begin,
            Class::Part => self.part,
            Class::Read => self.read,
            Class::Complete => self.complete,
            Class::ListParts => self.list_parts,
            // The source's key is not the part's, which under ceph may say how its upload is held.
            Class::SourceOfPart if self.headers.iter().any(|(name, _)| *name == SSE) => {
                Each([E10p, E10p, E10p, E10p, Done])
            }
            Class::Source | Class::SourceOfPart => self.source,
            Class::Keyless => All(if self.insecure { E1 } else { Done }),
        };
        match by {
            All(answer) => answer,
            Each(answers) => {
                answers[Profile::ALL.iter().position(|known| *known == profile).unwrap()]
            }
        }
    }

    fn means_a_key(&self) -> bool {
        self.headers.iter().any(|(name, _)| *name != SSE)
    }
}

/// The name that a copy's source has for a header of the object's own.
fn source_name(name: &'static str) -> &'static str {
    match name {
        ALGORITHM => "x-amz-copy-source-server-side-encryption-customer-algorithm",
        KEY => "x-amz-copy-source-server-side-encryption-customer-key",
        KEY_MD5 => "x-amz-copy-source-server-side-encryption-customer-key-md5",
        other => other,
    }
}

/// A service under a profile, and the spelling that its clients use.
struct Scene {
    world: World,
    profile: Profile,
    spelling: &'static str,
}

impl Scene {
    async fn new(profile: Profile, spelling: &'static str) -> Self {
        Self { world: World::under(profile).await, profile, spelling }
    }

    /// A client's headers in the scene's spelling.
    fn spelt<'w>(&self, ask: Ask<'w>, headers: &[(&str, &str)]) -> Ask<'w> {
        headers.iter().fold(ask, |ask, (name, value)| match *name == SSE {
            true => ask.header(name, value),
            false => ask.header(&name.replace("x-amz-", self.spelling), value),
        })
    }

    /// Makes the operation's target anew and asks, with `kind`'s headers.
    async fn cell(&self, operation: &str, kind: &Kind) -> Reply {
        if operation == "PostObject" {
            return self.posted(kind).await;
        }
        let target = self.target(operation, kind.plain).await;
        let (method, path, body) = target;
        let mut ask = self.world.ask(method, &path).body(body);
        if operation == "GetObjectAttributes" {
            ask = ask.header("x-amz-object-attributes", "ObjectSize");
        }
        let mut headers = kind.headers.to_vec();
        if operation.contains("Copy") {
            ask = ask.header("x-amz-copy-source", "/bkt/key");
        }
        if operation.ends_with(" from") {
            for (name, _) in &mut headers {
                *name = source_name(name);
            }
        }
        let ask = self.spelt(ask, &headers);
        if kind.insecure { ask.insecure().send().await } else { ask.send().await }
    }

    /// What other operations send as headers, as a form's fields.
    async fn posted(&self, kind: &Kind) -> Reply {
        self.world.ask("DELETE", "/bkt/new").send().await.expect_status(204);
        let form = Form::new(&self.world, &[("key", "new")]);
        let form = kind.headers.iter().fold(form, |form, (name, value)| match *name == SSE {
            true => form.field(name, value),
            false => form.field(&name.replace("x-amz-", self.spelling), value),
        });
        let ask = form.v4().ask();
        if kind.insecure { ask.insecure().send().await } else { ask.send().await }
    }

    async fn target(&self, operation: &str, plain: bool) -> (&'static str, String, String) {
        let own: &[(&str, &str)] = if plain { &[] } else { RIGHT };
        let body = || "body".to_owned();
        let at = |method: &'static str, path: String| (method, path, String::new());
        match operation {
            "PutObject" => {
                self.world.ask("DELETE", "/bkt/new").send().await.expect_status(204);
                ("PUT", "/bkt/new".to_owned(), body())
            }
            "CreateMultipartUpload" => at("POST", "/bkt/new?uploads".to_owned()),
            "GetObjectAttributes" => {
                self.put_key(own).await;
                at("GET", "/bkt/key?attributes".to_owned())
            }
            "GetObject" | "HeadObject" | "DeleteObject" => {
                self.put_key(own).await;
                let method = match operation {
                    "GetObject" => "GET",
                    "HeadObject" => "HEAD",
                    _ => "DELETE",
                };
                at(method, "/bkt/key".to_owned())
            }
            "CopyObject" => {
                self.world.ask("DELETE", "/bkt/new").send().await.expect_status(204);
                self.put_key(&[]).await;
                at("PUT", "/bkt/new".to_owned())
            }
            "CopyObject from" => {
                self.put_key(own).await;
                at("PUT", "/bkt/copy".to_owned())
            }
            "UploadPartCopy from" => {
                self.put_key(own).await;
                let begun = self.world.ask("POST", "/bkt/up?uploads").send().await;
                let id = begun.expect_status(200).element("UploadId").unwrap();
                at("PUT", format!("/bkt/up?partNumber=1&uploadId={id}"))
            }
            "ListObjects" => at("GET", "/bkt".to_owned()),
            "ListObjectsV2" => at("GET", "/bkt?list-type=2".to_owned()),
            "ListMultipartUploads" => at("GET", "/bkt?uploads".to_owned()),
            _ => {
                let begun = self.spelt(self.world.ask("POST", "/bkt/up?uploads"), own);
                let begun = begun.send().await.expect_status(200);
                let upload = format!("/bkt/up?uploadId={}", begun.element("UploadId").unwrap());
                let part = format!("{upload}&partNumber=1");
                match operation {
                    "UploadPart" => ("PUT", part, body()),
                    "UploadPartCopy" => {
                        self.put_key(&[]).await;
                        at("PUT", part)
                    }
                    "ListParts" => at("GET", upload),
                    "AbortMultipartUpload" => at("DELETE", upload),
                    "CompleteMultipartUpload" => {
                        let sent = self.spelt(self.world.ask("PUT", &part).body("body"), own);
                        let sent = sent.send().await.expect_status(200);
                        let list = format!(
                            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
                            sent.header("etag").unwrap()
                        );
                        ("POST", upload, list)
                    }
                    _ => unreachable!("{operation}"),
                }
            }
        }
    }

    async fn put_key(&self, own: &[(&str, &str)]) {
        let put = self.spelt(self.world.ask("PUT", "/bkt/key").body("body"), own);
        put.send().await.expect_status(200);
    }

    /// Whatever was answered, what was sent with a key is not to be read without one.
    async fn nothing_is_open(&self, what: &str) {
        let read = self.world.ask("GET", "/bkt/new").send().await;
        assert!(matches!(read.status.as_u16(), 400 | 404), "{what}: read without a key");
    }
}

/// Every profile, in each spelling that it takes.
const SCENES: [(Profile, &str); 6] = [
    (Profile::Aws, "x-amz-"),
    (Profile::Ovh, "x-amz-"),
    (Profile::Ibm, "x-amz-"),
    (Profile::Obs, "x-amz-"),
    (Profile::Obs, "x-obs-"),
    (Profile::Ceph, "x-amz-"),
];

#[track_caller]
fn expect(reply: &Reply, wanted: Answer, kind: &Kind, what: &str) {
    if wanted == Done {
        assert!(reply.status.is_success(), "{what}: {} {}", reply.status, reply.text());
        return;
    }
    let (status, code, message, names_argument) = wanted.told();
    assert_eq!(reply.status, status, "{what}: wanted {wanted:?}: {}", reply.text());
    if reply.body.is_empty() {
        assert!(what.contains("HeadObject"), "{what}: only answers to HEAD are empty");
        return;
    }
    assert_eq!(reply.element("Code").as_deref(), Some(code), "{what}");
    assert_eq!(reply.element("Message").as_deref(), Some(message), "{what}");
    assert_eq!(reply.element("ArgumentName").as_deref(), names_argument.then_some(SSE), "{what}");
    let value = kind.value.filter(|_| names_argument);
    assert_eq!(reply.element("ArgumentValue").as_deref(), value, "{what}");
}

#[tokio::test]
async fn every_operation_answers_every_kind_of_key_as_its_profile_has_it() {
    let mut cells = 0;
    for (profile, spelling) in SCENES {
        let scene = Scene::new(profile, spelling).await;
        for kind in KINDS {
            for (operation, class) in OPERATIONS {
                let what = format!("{profile:?} {spelling} {operation} with {}", kind.name);
                let reply = scene.cell(operation, kind).await;
                cells += 1;
                let wanted = kind.wanted(class, scene.profile);
                expect(&reply, wanted, kind, &what);
                // A list of parts, and a form's fields, are in the body.
                let is_read = class == Class::Complete || operation == "PostObject";
                assert!(wanted == Done || is_read || !reply.polled, "{what}: unread");
                let makes = matches!(operation, "PutObject" | "PostObject" | "CopyObject");
                if makes && kind.means_a_key() {
                    scene.nothing_is_open(&what).await;
                }
            }
        }
    }
    assert_eq!(cells, SCENES.len() * KINDS.len() * OPERATIONS.len());
    assert!(Profile::ALL.iter().all(|all| SCENES.iter().any(|(profile, _)| profile == all)));
}

/// Apart from the table, since it is not the operation but the signature that sees it.
#[tokio::test]
async fn e5_is_for_forms_and_in_a_header_the_signature_does_not_match() {
    let kind = Kind {
        name: "a key that is not ASCII",
        headers: &[A, (KEY, "schlüssel"), M],
        value: Some("schlüssel"),
        ..BASE
    };
    for (profile, spelling) in SCENES {
        let scene = Scene::new(profile, spelling).await;
        for (operation, _) in OPERATIONS {
            let what = format!("{profile:?} {spelling} {operation} with {}", kind.name);
            let reply = scene.cell(operation, &kind).await;
            if operation == "PostObject" {
                let wanted = if profile == Profile::Ovh { NoKeyOf32 } else { E5 };
                expect(&reply, wanted, &kind, &what);
                scene.nothing_is_open(&what).await;
                continue;
            }
            let reply = reply.expect_status(403);
            let code = (operation != "HeadObject").then_some("SignatureDoesNotMatch");
            assert_eq!(reply.element("Code").as_deref(), code, "{what}");
            assert!(!reply.text().contains("schl") && !reply.polled, "{what}");
        }
    }
}

#[tokio::test]
async fn the_echo_is_the_profiles_and_in_the_spelling_of_the_request() {
    for (profile, spelling) in SCENES {
        let scene = Scene::new(profile, spelling).await;
        for operation in [
            "PutObject",
            "PostObject",
            "CreateMultipartUpload",
            "UploadPart",
            "GetObject",
            "HeadObject",
        ] {
            let reply = scene.cell(operation, &KINDS[0]).await;
            assert!(reply.status.is_success(), "{operation}: {}", reply.text());
            let sent = |name: &str| reply.header(&name.replace("x-amz-", spelling));
            let what = format!("{profile:?} {spelling} {operation}");
            assert_eq!(sent(ALGORITHM), Some("AES256"), "{what}");
            assert_eq!(sent(KEY_MD5), Some(KEY_A.1), "{what}");
            assert_eq!(reply.header(ALGORITHM).is_some(), spelling == "x-amz-", "{what}: one only");
            let beside = (profile == Profile::Ovh).then_some("AES256");
            assert_eq!(reply.header(SSE), beside, "{what}");
        }
    }
}

#[tokio::test]
async fn a_guides_md5_is_answered_with_the_digest() {
    let world = World::under(Profile::Ovh).await;
    let put = world.ask("PUT", "/bkt/k").key((KEY_A.0, GUIDE_MD5)).body("x").send().await;
    assert_eq!(put.expect_status(200).header(KEY_MD5), Some(KEY_A.1));
    world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    assert_ne!(
        world.ask("HEAD", "/bkt/k").key(KEY_A).send().await.header("etag"),
        Some("\"9dd4e461268c8034f5c8564e155c67a6\""),
        "the ETag is random in every profile"
    );
}

/// Key headers that the profile cannot read were meant, and must not be dropped.
#[tokio::test]
async fn a_key_in_a_spelling_that_is_not_taken_is_refused() {
    for profile in Profile::ALL {
        let world = World::under(profile).await;
        for vendor in ["x-obs-", "x-cos-"] {
            if (profile, vendor) == (Profile::Obs, "x-obs-") {
                continue;
            }
            for (name, value) in RIGHT {
                let name = name.replace("x-amz-", vendor);
                let ask = || world.ask("PUT", "/bkt/new").body("x").header(&name, value);
                ask().send().await.expect_error(501, "NotImplemented");
                let insecure = ask().insecure().send().await.expect_error(400, "InvalidArgument");
                assert_eq!(insecure.element("Message").as_deref(), Some(E1.told().2));
                let hoisted = format!("/bkt/new?{name}=AES256");
                let hoisted = world.ask("PUT", &hoisted).send().await;
                assert!(!hoisted.expect_error(501, "NotImplemented").polled);
            }
        }
        world.ask("GET", "/bkt/new").send().await.expect_error(404, "NoSuchKey");
    }
}

#[tokio::test]
async fn obs_takes_each_name_once_in_headers_or_query() {
    let world = World::under(Profile::Obs).await;
    let obs = |name: &str| name.replace("x-amz-", "x-obs-");
    for (name, value) in RIGHT {
        let both = world.ask("PUT", "/bkt/k").headers(RIGHT).header(&obs(name), value);
        both.send().await.expect_error(400, "InvalidArgument");
        let twice = world.ask("PUT", &format!("/bkt/k?{}=x", obs(name))).header(name, value);
        twice.send().await.expect_error(400, "InvalidArgument");
    }
    let mixed = [(obs(A.0), A.1), (K.0.to_owned(), K.1), (obs(M.0), M.1)];
    let ask = world.ask("PUT", "/bkt/k").body("x");
    let ask = mixed.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    ask.send().await.expect_status(200);
    let query = format!("/bkt/k?{}=AES256", obs(ALGORITHM).to_uppercase());
    let read = world.ask("GET", &query).header(&obs(KEY), K.1).header(&obs(KEY_MD5), M.1);
    assert_eq!(read.send().await.expect_status(200).text(), "x");
    world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    world.ask("GET", "/bkt/k").send().await.expect_error(400, "InvalidRequest");
}

/// A form's fields count as headers do.
#[tokio::test]
async fn obs_takes_each_field_of_a_form_once() {
    let world = World::under(Profile::Obs).await;
    let trio = || Form::new(&world, &[("key", "k")]).key(KEY_A);
    for (name, value) in RIGHT {
        for other in [name.replace("x-amz-", "x-obs-"), name.replace("x-amz-", "X-OBS-")] {
            for value in [*value, ""] {
                let reply = trio().field(&other, value).v4().send().await;
                let reply = reply.expect_error(400, "InvalidArgument");
                let message = "The server side encryption parameter was specified more than once.";
                assert_eq!(reply.element("Message").as_deref(), Some(message), "{other}");
                assert_eq!(reply.element("ArgumentName").as_deref(), Some(*name), "{other}");
                assert_eq!(reply.header("connection"), Some("close"), "{other}");
            }
        }
    }
    world.ask("GET", "/bkt/k").send().await.expect_error(404, "NoSuchKey");
    let mixed = Form::new(
        &world,
        &[("key", "k"), A, ("x-obs-server-side-encryption-customer-key", K.1), M],
    );
    mixed.v4().send().await.expect_status(204);
    world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);
}
