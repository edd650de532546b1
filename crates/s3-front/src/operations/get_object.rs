//! GetObject and HeadObject, which differ in the body only.

use std::{ops::Range, sync::Arc};

use http::{HeaderName, HeaderValue, StatusCode, header};
use object_engine::model::{Bucket, LegalHold, Retention, StoredObject, Version};
use sealed_format::Checksum;
use sealed_store::{ObjectFacts, Unlocked};

use super::{
    At,
    expiration::{self, EXPIRATION},
    found,
};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    identity::Principal,
    request::{
        checksum,
        conditional::{self, ReadConditions, Verdict},
        customer_key::Opening,
        encryption, listing,
        range::Range as AskedRange,
        uploads,
    },
    response::{
        Answer, ResponseBody,
        object::{DELETE_MARKER, VERSION_ID, version_id},
        time,
    },
    service::Call,
};

/// The object's bytes, or a range of them.
pub(crate) async fn get_object(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let read = Read::prepare(call, at).await?;
    let range = read.selected.range.clone();
    let length = range.end - range.start;
    let reader = call.store().read(&read.unlocked, range).await?;
    let answer = read.answer(call).await?;
    Ok(answer.with_body(ResponseBody::plain(reader, length)))
}

/// What GetObject would answer, without the bytes.
pub(crate) async fn head_object(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    Read::prepare(call, at).await?.answer(call).await
}

/// A read that is allowed: the key fits, the conditions hold, the range is there.
struct Read {
    bucket: Bucket,
    version: Version,
    object: Arc<StoredObject>,
    opening: Option<Opening>,
    unlocked: Unlocked,
    selected: Selected,
}

/// The part of the object that is answered.
struct Selected {
    range: Range<u64>,
    is_partial: bool,
    /// Asked by part number: that part's checksum.
    part: Option<Option<Checksum>>,
}

impl Read {
    /// In AWS's order: the key's headers, existence, the key itself, and only then conditions and
    /// ranges, so that whoever lacks the key learns nothing from them.
    async fn prepare(call: &Call<'_>, at: &At<'_>) -> S3Result<Self> {
        let bucket = call.bucket(at.bucket).await?;
        let head = &call.head;
        encryption::check_read(head)?;
        let opening = call.keys.for_read()?;
        refuse_anonymous_overrides(call)?;
        let selector = listing::version(&head.query)?;
        let found = found::object(call, &bucket, at.key, selector).await;
        let (version, object) = found.map_err(|error| no_marker(call, error))?;
        let unlocked = found::unlock(call, &bucket, (&version, &object), opening.as_ref()).await?;
        let conditions = ReadConditions::parse(head, call.service.options.clock.now())?;
        let facts = unlocked.facts();
        match conditions.evaluate(&facts.etag, facts.last_modified) {
            Verdict::Answer => {}
            Verdict::NotModified => return Err(not_modified(&bucket, &version, facts)),
            Verdict::Failed(condition) => return Err(conditional::failed(condition)),
        }
        let selected = select(call, &unlocked, &conditions).await?;
        Ok(Self { bucket, version, object, opening, unlocked, selected })
    }

    /// The answer without its body.
    async fn answer(&self, call: &Call<'_>) -> S3Result<Answer> {
        let facts = self.unlocked.facts();
        let Range { start, end } = self.selected.range;
        let (retention, hold) = self.lock(call).await?;
        let mut answer = Answer::ok()
            .metadata(&facts.metadata)
            .stored(&self.object)
            .lock(retention, hold)
            .etag(&facts.etag)
            .held_by(&self.object.holder, self.opening.as_ref().map(Opening::md5))
            .text(header::LAST_MODIFIED, time::http(facts.last_modified))
            .constant(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))
            .constant(header::CONTENT_LENGTH, HeaderValue::from(end - start))
            .header_if(VERSION_ID, version_id(&self.bucket, self.version.public))
            .header_if(EXPIRATION, expiration::of(&self.bucket, &self.version));
        if self.selected.is_partial {
            let content_range = format!("bytes {start}-{}/{}", end - 1, facts.length);
            answer = answer
                .with_status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, content_range);
        }
        if self.selected.part.is_some() {
            let parts = facts.parts.map(|parts| parts.to_string());
            answer = answer.header_if("x-amz-mp-parts-count", parts);
        }
        let checksum = self.checksum(call).await?;
        overridden(call, answer.checksum(checksum.as_ref()))
    }

    /// The version's lock, as far as the caller may know it.
    async fn lock(&self, call: &Call<'_>) -> S3Result<(Option<Retention>, Option<LegalHold>)> {
        let target = (&self.version.key, listing::version(&call.head.query)?);
        call.visible_lock(&self.bucket, target, &self.object.attached).await
    }

    /// Whether all of the object is answered; a range may be all of it.
    fn is_whole(&self) -> bool {
        self.selected.range == (0..self.unlocked.facts().length)
    }

    /// The checksum, if it was asked for and the answer is what it is of.
    async fn checksum(&self, call: &Call<'_>) -> S3Result<Option<Checksum>> {
        if !checksum::mode_enabled(&call.head)? {
            return Ok(None);
        }
        match (&self.selected.part, self.selected.is_partial) {
            // With the type of the object's own, as on AWS.
            (Some(Some(of_part)), _) => {
                let of_object = call.store().checksum(&self.unlocked).await?;
                let kind = of_object.map_or(of_part.kind, |of_object| of_object.kind);
                Ok(Some(Checksum { kind, ..of_part.clone() }))
            }
            // An object that was put whole is its own and only part.
            (Some(None), _) if self.unlocked.facts().parts.is_some() => Ok(None),
            (None, true) if !self.is_whole() => Ok(None),
            (Some(None), _) | (None, _) => Ok(call.store().checksum(&self.unlocked).await?),
        }
    }
}

/// A key that is not there, told by profiles that say so not to be under a delete marker either.
fn no_marker(call: &Call<'_>, error: S3Error) -> S3Error {
    let is_marked = error.headers().iter().any(|(name, _)| name == DELETE_MARKER);
    let is_missing = error.code() == ErrorCode::NoSuchKey && !is_marked;
    match is_missing && call.profile().tells_of_no_delete_marker() {
        true => {
            error.header(HeaderName::from_static(DELETE_MARKER), HeaderValue::from_static("false"))
        }
        false => error,
    }
}

/// `Range` or `partNumber`; both at once are refused.
async fn select(
    call: &Call<'_>,
    unlocked: &Unlocked,
    conditions: &ReadConditions,
) -> S3Result<Selected> {
    let facts = unlocked.facts();
    let range = call.head.text("range")?;
    if let Some(number) = uploads::part_number(&call.head.query)? {
        if range.is_some() {
            return Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter",
            ));
        }
        return select_part(call, unlocked, number).await;
    }
    let whole = Selected { range: 0..facts.length, is_partial: false, part: None };
    let asked = range.and_then(AskedRange::parse);
    let counts = conditions.range_counts(&facts.etag, facts.last_modified);
    match (asked, range) {
        (Some(asked), Some(text)) if counts => match asked.within(facts.length) {
            Some(range) => Ok(Selected { range, is_partial: true, part: None }),
            None => Err(invalid_range(text, facts.length)),
        },
        _ => Ok(whole),
    }
}

async fn select_part(call: &Call<'_>, unlocked: &Unlocked, number: u32) -> S3Result<Selected> {
    let facts = unlocked.facts();
    match call.store().part(unlocked, number).await? {
        // An empty part has no bytes that a Content-Range could name.
        Some((range, checksum)) => {
            Ok(Selected { is_partial: !range.is_empty(), range, part: Some(checksum) })
        }
        None => Err(S3Error::new(ErrorCode::InvalidPartNumber)
            .element("PartNumberRequested", number.to_string())
            .element("ActualPartCount", facts.parts.unwrap_or(1).to_string())),
    }
}

fn invalid_range(asked: &str, length: u64) -> S3Error {
    let error = S3Error::new(ErrorCode::InvalidRange)
        .element("RangeRequested", asked)
        .element("ActualObjectSize", length.to_string());
    match HeaderValue::from_str(&format!("bytes */{length}")) {
        Ok(value) => error.header(header::CONTENT_RANGE, value),
        Err(_) => error,
    }
}

/// 304 repeats what a cache needs (RFC 9110, section 15.4.5).
fn not_modified(bucket: &Bucket, version: &Version, facts: &ObjectFacts) -> S3Error {
    let id = version_id(bucket, version.public);
    let answer = Answer::ok()
        .etag(&facts.etag)
        .header(header::LAST_MODIFIED, time::http(facts.last_modified))
        .header_if(header::CACHE_CONTROL, facts.metadata.cache_control.as_ref())
        .header_if(header::EXPIRES, facts.metadata.expires.as_ref())
        .header_if(VERSION_ID, id);
    answer.headers().iter().fold(S3Error::new(ErrorCode::NotModified), |error, (name, value)| {
        error.header(name.clone(), value.clone())
    })
}

/// `response-*` and the headers that they replace.
const OVERRIDES: [(&str, HeaderName); 6] = [
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-content-encoding", header::CONTENT_ENCODING),
    ("response-content-language", header::CONTENT_LANGUAGE),
    ("response-content-type", header::CONTENT_TYPE),
    ("response-expires", header::EXPIRES),
];

fn overridden(call: &Call<'_>, mut answer: Answer) -> S3Result<Answer> {
    for (parameter, name) in OVERRIDES {
        if let Some(value) = call.head.query.filled(parameter) {
            if HeaderValue::from_str(value).is_err() {
                return Err(S3Error::argument(
                    "The value is not valid as a header.",
                    parameter,
                    value,
                ));
            }
            answer = answer.header(name, value);
        }
    }
    Ok(answer)
}

/// An anonymous link must not choose what a browser makes of the bytes.
fn refuse_anonymous_overrides(call: &Call<'_>) -> S3Result<()> {
    let asked = OVERRIDES.iter().any(|(parameter, _)| call.head.query.has(parameter));
    if asked && call.principal == Principal::Anonymous {
        return Err(S3Error::with_message(
            ErrorCode::InvalidRequest,
            "Request specific response headers cannot be used for anonymous GET requests.",
        ));
    }
    Ok(())
}
