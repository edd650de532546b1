//! UploadPartCopy: parts out of other objects.

use crate::{
    client::{Ask, KEY_A, KEY_B, Reply, SOURCE},
    copy_object::{EVERY_HELD, Held, pattern, sizes},
    sse_c::{KEY_DIFFERS, KEY_REQUIRED, NOT_APPLICABLE, expect},
    world::World,
};

const RANGE: &str = "x-amz-copy-source-range";

/// An open upload of `/bkt/to`.
struct Upload<'w> {
    world: &'w World,
    id: String,
    held: Held,
}

impl<'w> Upload<'w> {
    async fn start(world: &'w World, held: Held) -> Self {
        Self::start_with(world, held, &[]).await
    }

    async fn start_with(world: &'w World, held: Held, headers: &[(&str, &str)]) -> Self {
        let ask = held.write(world.ask("POST", "/bkt/to?uploads")).headers(headers);
        let id = ask.send().await.expect_status(200).element("UploadId").unwrap();
        Self { world, id, held }
    }

    /// UploadPartCopy without the source's key.
    fn copy(&self, number: u32, from: &str) -> Ask<'w> {
        let target = format!("/bkt/to?partNumber={number}&uploadId={}", self.id);
        self.held.read(self.world.ask("PUT", &target)).header(SOURCE, from)
    }

    async fn complete(&self, parts: &[(u32, &Reply)]) {
        let row = |(number, reply): &(u32, &Reply)| {
            let etag = reply.element("ETag").unwrap();
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        };
        let rows: String = parts.iter().map(row).collect();
        let body = format!("<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>");
        let target = format!("/bkt/to?uploadId={}", self.id);
        self.world.ask("POST", &target).body(body).send().await.expect_status(200);
    }

    async fn read(&self) -> Reply {
        self.held.read(self.world.ask("GET", "/bkt/to")).send().await.expect_status(200)
    }
}

#[tokio::test]
async fn every_kind_of_source_to_every_kind_of_upload() {
    let world = World::new().await;
    for parts in sizes() {
        let bytes = parts.concat();
        for (at, from) in EVERY_HELD.into_iter().enumerate() {
            let source = format!("/bkt/from{at}");
            world.make(&format!("from{at}"), from, &parts).await;
            for to in EVERY_HELD {
                let what = format!("{} bytes from {from:?} to {to:?}", bytes.len());
                let upload = Upload::start(&world, to).await;
                let refused = async |ask: Ask<'_>, message| {
                    expect(ask.send().await, &what, 400, "InvalidRequest", message, None);
                };
                match from.key() {
                    None => {
                        refused(upload.copy(1, &source).source_key(KEY_A), NOT_APPLICABLE).await
                    }
                    Some(key) => {
                        refused(upload.copy(1, &source), KEY_REQUIRED).await;
                        let other = if key == KEY_A { KEY_B } else { KEY_A };
                        refused(upload.copy(1, &source).source_key(other), KEY_DIFFERS).await;
                    }
                }
                let part = from.source(upload.copy(1, &source)).send().await.expect_status(200);
                assert!(part.text().contains(
                    "<CopyPartResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LastModified>"
                ));
                to.check_echo(&part, &what);
                upload.complete(&[(1, &part)]).await;
                assert_eq!(upload.read().await.body, bytes, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn ranges_within_and_across_parts_of_the_source() {
    let world = World::new().await;
    let bytes = pattern((5 << 20) + 100_000);
    let parts = [bytes[..5 << 20].to_vec(), bytes[5 << 20..].to_vec()];
    for (from, to) in [(Held::Keyed(KEY_A), Held::Keyed(KEY_B)), (Held::Plain, Held::Keyed(KEY_A))]
    {
        world.make("from", from, &parts).await;
        let upload = Upload::start(&world, to).await;
        let last = bytes.len() - 1;
        let one = format!("bytes=7-{}", (5 << 20) + 9);
        let one = from.source(upload.copy(1, "/bkt/from")).header(RANGE, &one).send().await;
        let two = format!("bytes={last}-{last}");
        let two = from.source(upload.copy(2, "/bkt/from")).header(RANGE, &two).send().await;
        upload.complete(&[(1, &one.expect_status(200)), (2, &two.expect_status(200))]).await;
        let expected = [&bytes[7..(5 << 20) + 10], &bytes[last..]].concat();
        assert_eq!(upload.read().await.body, expected);
    }
}

#[tokio::test]
async fn a_range_is_strict() {
    let world = World::new().await;
    world.put("/bkt/from", "0123456789").await;
    let upload = Upload::start(&world, Held::Plain).await;
    for range in ["bytes=0-", "bytes=-3", "bytes=3-1", "bytes=0-1,2-3", "0-1", "", "bytes=a-b"] {
        let refused = upload.copy(1, "/bkt/from").header(RANGE, range).send().await;
        let refused = refused.expect_error(400, "InvalidArgument");
        assert_eq!(
            refused.element("Message").as_deref(),
            Some(
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"
            )
        );
        assert_eq!(refused.element("ArgumentName").as_deref(), Some(RANGE));
        assert_eq!(refused.element("ArgumentValue").as_deref(), Some(range));
    }
    for range in ["bytes=10-10", "bytes=100-200"] {
        let refused = upload.copy(1, "/bkt/from").header(RANGE, range).send().await;
        let refused = refused.expect_error(400, "InvalidRequest");
        assert_eq!(
            refused.element("Message").as_deref(),
            Some("The specified copy range is invalid for the source object size")
        );
    }
    for range in ["bytes=0-10", "bytes=9-10", "bytes=0-99999999999999999999"] {
        let refused = upload.copy(1, "/bkt/from").header(RANGE, range).send().await;
        let refused = refused.expect_error(400, "InvalidArgument");
        assert_eq!(
            refused.element("Message").as_deref(),
            Some("Range specified is not valid for source object of size: 10")
        );
    }
    upload.copy(1, "/bkt/from").header(RANGE, "bytes=0-9").send().await.expect_status(200);
}

#[tokio::test]
async fn part_numbers_uploads_and_sources_are_looked_up() {
    let world = World::new().await;
    world.put("/bkt/from", "x").await;
    let upload = Upload::start(&world, Held::Plain).await;
    for number in [0, 10_001] {
        upload.copy(number, "/bkt/from").send().await.expect_error(400, "InvalidArgument");
    }
    upload.copy(10_000, "/bkt/from").send().await.expect_status(200);
    upload.copy(1, "/bkt/none").send().await.expect_error(404, "NoSuchKey");
    upload.copy(1, "/nobodys/k").send().await.expect_error(404, "NoSuchBucket");
    let gone = world.ask("PUT", "/bkt/to?partNumber=1&uploadId=x").header(SOURCE, "/bkt/from");
    gone.send().await.expect_error(404, "NoSuchUpload");
    let failed = upload.copy(1, "/bkt/from").header("x-amz-copy-source-if-match", "\"x\"");
    failed.send().await.expect_error(412, "PreconditionFailed");
    world.add_user("ann").await;
    upload.copy(1, "/bkt/from").by("ann").send().await.expect_error(403, "AccessDenied");
}

#[tokio::test]
async fn a_part_has_the_checksum_that_its_upload_chose() {
    let world = World::new().await;
    world.ask("PUT", "/bkt/from").key(KEY_A).body("hello").send().await.expect_status(200);
    for held in EVERY_HELD {
        let chosen = [("x-amz-checksum-algorithm", "SHA256")];
        let upload = Upload::start_with(&world, held, &chosen).await;
        let part = upload.copy(1, "/bkt/from").source_key(KEY_A).send().await.expect_status(200);
        assert_eq!(
            part.element("ChecksumSHA256").as_deref(),
            Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
        );
        let upload = Upload::start(&world, held).await;
        let part = upload.copy(1, "/bkt/from").source_key(KEY_A).send().await.expect_status(200);
        assert!(!part.text().contains("Checksum"));
    }
}
