//! CopyObject.

use object_engine::model::{
    Assigned, Attached, Bucket, Published, VersionSelector, WriteCondition,
};
use sealed_format::{ChecksumAlgorithm, ObjectMetadata};
use sealed_store::{CopyMode, CopyObject, CopyOutcome, PutOutcome};

use super::{
    At,
    copying::Source,
    encryption_settings::{SETTING, SseCWrite},
    expiration::{self, EXPIRATION},
    found::no_such_key,
    lock_settings::NewLock,
    sealing::Sealer,
};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::COPY_BYTES_MAX,
    request::{
        checksum::shown,
        conditional,
        copy::{self, Directive},
        copy_source::{self, CopySource},
        encryption, metadata, stored,
    },
    response::{
        Answer,
        object::{VERSION_ID, quoted, version_id},
        time,
    },
    service::{Call, no_such_bucket},
    xml::XmlWriter,
};

/// How often a source that is overwritten while it is copied is looked up again.
const SOURCES_MAX: usize = 16;

/// Makes a version out of another: of the same bytes, under the key that the request gives.
pub(crate) async fn copy_object(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let asked = CopySource::parse(&call.head)?;
    for _ in 0..SOURCES_MAX {
        // What went may have been overwritten, and then something is there: only a look-up says "no such key".
        if let Some(answer) = copied(call, at, &asked).await? {
            return Ok(answer);
        }
    }
    Err(S3Error::new(ErrorCode::SlowDown))
}

/// Copies the version that the source is now; `None` if that went meanwhile.
async fn copied(call: &Call<'_>, at: &At<'_>, asked: &CopySource) -> S3Result<Option<Answer>> {
    let head = &call.head;
    let bucket = call.bucket(at.bucket).await?;
    let source_bucket = call.source_bucket(asked).await?;
    SseCWrite { bucket: &bucket, key: at.key, action: "s3:CopyObject" }.check(call)?;
    let storage_class = stored::storage_class(head)?;
    let asked_encryption = encryption::asked(head, &call.keys, call.profile())?;
    // AWS refuses what is wrong with the source's trio before it looks at the target's.
    let opening = call.source_keys.for_read()?;
    let sealing = call.keys.for_write()?;
    let sealer = Sealer::chosen(call, &bucket, (asked_encryption, sealing))?;
    let new = call.new_object(&bucket).await?;
    let wanted = Wanted::parse(call)?;
    // A lock is never the source's.
    let lock = NewLock::of(call, &bucket)?;
    let source = Source::open(call, source_bucket, asked, opening.as_ref()).await?;
    refuse_no_change(call, (at, &bucket), asked, (&source, &sealer))?;
    if wanted.tags.is_none() {
        source.authorise_tags(call, (&bucket, asked)).await?;
    }

    let copy = CopyObject {
        source: source.as_copied(),
        bucket: &bucket,
        key: at.key,
        owner: &new.owner,
        encryption: sealer.encryption(),
        metadata: redirected(
            wanted.metadata.unwrap_or_else(|| source.unlocked.facts().metadata.clone()),
            wanted.redirect,
        ),
        storage_class,
        // A copy never has its source's ACL.
        attached: Attached {
            acl: new.acl,
            ..lock.with_tags(wanted.tags.unwrap_or_else(|| source.object.attached.tags.clone()))
        },
        checksum: wanted.checksum,
        condition: wanted.condition.clone(),
        mode: wanted.mode,
        sealed_bytes_max: COPY_BYTES_MAX,
    };
    let outcome = match call.store().copy(copy).await? {
        CopyOutcome::Put(outcome) => outcome,
        CopyOutcome::SourceGone => return Ok(None),
        CopyOutcome::TooLarge => return Err(copy_source::too_large()),
    };
    match outcome.published {
        Published::Done(assigned) => {
            let expires = expiration::of_new(call, (&bucket, at.key), &assigned).await;
            // Unlike PutObject, AWS names a null version here.
            let named = version_id(&bucket, assigned.public);
            let answer = answer(&outcome, &assigned, &sealer).header_if(VERSION_ID, named);
            Ok(Some(source.named_in(answer).header_if(EXPIRATION, expires)))
        }
        Published::ConditionFailed => Err(conditional::write_failed(&wanted.condition)),
        Published::NoSuchKey => Err(no_such_key(at.key)),
        Published::NoSuchBucket => Err(no_such_bucket(at.bucket)),
    }
}

/// What the request says of the copy; `None` where the source's own is kept.
struct Wanted {
    metadata: Option<ObjectMetadata>,
    tags: Option<Vec<(String, String)>>,
    /// Never the source's (AWS does not copy it).
    redirect: Option<String>,
    checksum: Option<ChecksumAlgorithm>,
    condition: WriteCondition,
    mode: CopyMode,
}

impl Wanted {
    fn parse(call: &Call<'_>) -> S3Result<Self> {
        let head = &call.head;
        let replaces_metadata = copy::metadata_directive(head)? == Directive::Replace;
        let replaces_tags = copy::tagging_directive(head)? == Directive::Replace;
        stored::check_unbuilt(head)?;
        // Read in both cases, so that a redirect that is not one is refused in both.
        let metadata = metadata::parse(head)?;
        Ok(Self {
            redirect: metadata.website_redirect.clone(),
            metadata: replaces_metadata.then_some(metadata),
            tags: replaces_tags.then(|| stored::tags(head)).transpose()?,
            checksum: copy::checksum_algorithm(head)?,
            condition: conditional::write_condition(head, call.profile())?,
            mode: copy::mode(head, call.service.options.copy_mode)?,
        })
    }
}

/// The metadata with the redirect that the request gives, or none.
fn redirected(metadata: ObjectMetadata, website_redirect: Option<String>) -> ObjectMetadata {
    ObjectMetadata { website_redirect, ..metadata }
}

/// A copy onto itself must change something. A key counts: it is how SSE-C objects are re-keyed, and
/// leaving a customer's key away changes the encryption as well. So does restoring an old version. In a
/// bucket whose default encryption was set AWS takes every copy, as if each changed the encryption.
fn refuse_no_change(
    call: &Call<'_>,
    (at, bucket): (&At<'_>, &Bucket),
    asked: &CopySource,
    (source, sealer): (&Source, &Sealer),
) -> S3Result<()> {
    let head = &call.head;
    let onto_itself = asked.bucket == *at.bucket
        && asked.key == *at.key
        && asked.version == VersionSelector::Latest;
    let changes = copy::metadata_directive(head)? == Directive::Replace
        || copy::changes_something(head)
        || bucket.settings.contains_key(SETTING)
        || sealer.differs_from(&source.object.holder);
    if !onto_itself || changes {
        return Ok(());
    }
    Err(S3Error::with_message(
        ErrorCode::InvalidRequest,
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    ))
}

/// `CopyObjectResult`, and the copy's encryption in the headers.
fn answer(outcome: &PutOutcome, assigned: &Assigned, sealer: &Sealer) -> Answer {
    let mut writer = XmlWriter::new("CopyObjectResult");
    writer
        .text("LastModified", time::iso(assigned.last_modified))
        .text("ETag", quoted(&outcome.etag));
    if let Some(checksum) = outcome.checksum.as_ref().map(shown) {
        writer
            .text("ChecksumType", checksum.kind.name())
            .text(&format!("Checksum{}", checksum.algorithm.name()), checksum.text());
    }
    sealer.told(Answer::xml(writer.finish()))
}
