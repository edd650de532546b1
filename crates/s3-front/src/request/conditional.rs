//! `If-Match` and its siblings (RFC 9110, section 13) as S3 reads them.
//!
//! Guarantees: precedence as in RFC 9110, section 13.2.2; dates that cannot be read are ignored, and so is
//! an `If-Modified-Since` of the future, as on AWS.
//! Does not: evaluate conditions of writes; the engine does, in the swap of the key's head.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use object_engine::{
    clock::Timestamp,
    model::{ETag, ETagCondition, WriteCondition},
};

use super::head::Head;
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    profile::Profile,
};

/// The conditions of a read.
#[derive(Debug, Default)]
pub struct ReadConditions {
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
    if_modified_since: Option<SystemTime>,
    if_unmodified_since: Option<SystemTime>,
    if_range: Option<String>,
}

/// What the conditions of a read say of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Answer it.
    Answer,
    /// 304.
    NotModified,
    /// 412, because of this header.
    Failed(&'static str),
}

impl ReadConditions {
    /// Reads the conditions that a copy puts to its source.
    pub fn parse_copy_source(head: &Head, now: Timestamp) -> S3Result<Self> {
        Ok(Self {
            if_match: head.text("x-amz-copy-source-if-match")?.map(etags),
            if_none_match: head.text("x-amz-copy-source-if-none-match")?.map(etags),
            if_modified_since: past(head, "x-amz-copy-source-if-modified-since", now),
            if_unmodified_since: date(head, "x-amz-copy-source-if-unmodified-since"),
            if_range: None,
        })
    }

    /// Whether a copy's source is as they demand. Precedence is that of a read, but every one that
    /// does not hold is a 412, since there is nothing that the client could have kept.
    pub fn check_copy_source(&self, etag: &ETag, last_modified: Timestamp) -> S3Result<()> {
        let condition = match self.evaluate(etag, last_modified) {
            Verdict::Answer => return Ok(()),
            Verdict::NotModified if self.if_none_match.is_some() => {
                "x-amz-copy-source-If-None-Match"
            }
            Verdict::NotModified => "x-amz-copy-source-If-Modified-Since",
            Verdict::Failed("If-Match") => "x-amz-copy-source-If-Match",
            Verdict::Failed(_) => "x-amz-copy-source-If-Unmodified-Since",
        };
        Err(failed(condition))
    }

    /// Reads the head's conditions.
    pub fn parse(head: &Head, now: Timestamp) -> S3Result<Self> {
        Ok(Self {
            if_match: head.text("if-match")?.map(etags),
            if_none_match: head.text("if-none-match")?.map(etags),
            if_modified_since: past(head, "if-modified-since", now),
            if_unmodified_since: date(head, "if-unmodified-since"),
            if_range: head.text("if-range")?.map(str::to_owned),
        })
    }

    /// Evaluates them for an object.
    pub fn evaluate(&self, etag: &ETag, last_modified: Timestamp) -> Verdict {
        let modified = http_time(last_modified);
        if let Some(wanted) = &self.if_match {
            if !matches(wanted, etag) {
                return Verdict::Failed("If-Match");
            }
        } else if self.if_unmodified_since.is_some_and(|since| modified > since) {
            return Verdict::Failed("If-Unmodified-Since");
        }
        let unchanged = match (&self.if_none_match, self.if_modified_since) {
            (Some(known), _) => matches(known, etag),
            (None, Some(since)) => modified <= since,
            (None, None) => false,
        };
        if unchanged { Verdict::NotModified } else { Verdict::Answer }
    }

    /// Whether `Range` counts: `If-Range` is absent, or names the object as it is.
    pub fn range_counts(&self, etag: &ETag, last_modified: Timestamp) -> bool {
        match &self.if_range {
            None => true,
            Some(text) => match httpdate::parse_http_date(text) {
                Ok(date) => date == http_time(last_modified),
                Err(_) => matches(&etags(text), etag),
            },
        }
    }
}

/// The conditions of a write. `If-None-Match` with ETags means what RFC 9110 says, where AWS takes `*`
/// only; both headers at once are `NotImplemented`, as on AWS, and so is `If-Match: *`, unless the
/// profile takes it.
pub(crate) fn write_condition(head: &Head, profile: Profile) -> S3Result<WriteCondition> {
    let if_match = head.text("if-match")?.map(etags);
    let if_none_match = head.text("if-none-match")?.map(etags);
    if if_match.is_some() && if_none_match.is_some() {
        let message = "Multiple conditional request headers present in the request";
        return Err(unsupported("If-Match,If-None-Match", message));
    }
    if if_match == Some(ETagCondition::Any) && !profile.takes_match_of_anything() {
        let message = "We don't accept the provided value of If-Match header for this API";
        return Err(unsupported("If-Match", message));
    }
    Ok(WriteCondition { if_match, if_none_match })
}

/// The condition of a delete: `If-Match` only.
pub fn delete_condition(head: &Head) -> S3Result<WriteCondition> {
    Ok(WriteCondition { if_match: head.text("if-match")?.map(etags), if_none_match: None })
}

/// `412 PreconditionFailed`, naming the header that did not hold.
pub fn failed(condition: &'static str) -> S3Error {
    S3Error::new(ErrorCode::PreconditionFailed).element("Condition", condition)
}

/// `412` of a write.
pub fn write_failed(condition: &WriteCondition) -> S3Error {
    failed(if condition.if_match.is_some() { "If-Match" } else { "If-None-Match" })
}

/// A time as HTTP can say it: whole seconds.
pub fn http_time(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.seconds()).unwrap_or(0))
}

/// The ETags of a list; weak ones count as strong, since S3 has no weak ones.
pub fn etags(text: &str) -> ETagCondition {
    let text = text.trim();
    if text == "*" {
        return ETagCondition::Any;
    }
    let bare = |tag: &str| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        ETag(tag.trim_matches('"').to_owned())
    };
    ETagCondition::OneOf(text.split(',').map(bare).collect())
}

fn matches(wanted: &ETagCondition, etag: &ETag) -> bool {
    match wanted {
        ETagCondition::Any => true,
        ETagCondition::OneOf(etags) => etags.contains(etag),
    }
}

fn date(head: &Head, name: &str) -> Option<SystemTime> {
    let text = head.value(name)?.to_str().ok()?;
    httpdate::parse_http_date(text).ok()
}

/// A date that is not ahead of the clock: nothing can have been modified since one that is.
fn past(head: &Head, name: &str, now: Timestamp) -> Option<SystemTime> {
    date(head, name).filter(|since| *since <= http_time(now))
}

fn unsupported(header: &str, message: &str) -> S3Error {
    S3Error::new(ErrorCode::NotImplemented)
        .element("Header", header)
        .element("additionalMessage", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODIFIED: Timestamp = Timestamp(1_000_000_500);
    const AT: Option<u64> = Some(1_000_000);
    const BEFORE: Option<u64> = Some(999_999);

    fn verdict(
        if_match: Option<&str>,
        if_none_match: Option<&str>,
        modified: Option<u64>,
        unmodified: Option<u64>,
    ) -> Verdict {
        let time = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
        let conditions = ReadConditions {
            if_match: if_match.map(etags),
            if_none_match: if_none_match.map(etags),
            if_modified_since: modified.map(time),
            if_unmodified_since: unmodified.map(time),
            if_range: None,
        };
        conditions.evaluate(&ETag("a".into()), MODIFIED)
    }

    #[test]
    fn each_condition_alone() {
        use Verdict::{Answer, Failed, NotModified};
        assert_eq!(verdict(Some("\"a\""), None, None, None), Answer);
        assert_eq!(verdict(Some("a"), None, None, None), Answer);
        assert_eq!(verdict(Some("*"), None, None, None), Answer);
        assert_eq!(verdict(Some("\"b\", \"c\""), None, None, None), Failed("If-Match"));
        assert_eq!(verdict(None, Some("\"b\", W/\"a\""), None, None), NotModified);
        assert_eq!(verdict(None, Some("\"b\""), None, None), Answer);
        assert_eq!(verdict(None, None, AT, None), NotModified);
        assert_eq!(verdict(None, None, BEFORE, None), Answer);
        assert_eq!(verdict(None, None, None, AT), Answer);
        assert_eq!(verdict(None, None, None, BEFORE), Failed("If-Unmodified-Since"));
    }

    #[test]
    fn etags_come_before_dates() {
        use Verdict::{Answer, Failed, NotModified};
        assert_eq!(verdict(Some("a"), None, None, BEFORE), Answer);
        assert_eq!(verdict(None, Some("b"), AT, None), Answer);
        assert_eq!(verdict(None, Some("a"), BEFORE, None), NotModified);
        assert_eq!(verdict(Some("b"), Some("a"), None, None), Failed("If-Match"));
        assert_eq!(verdict(Some("a"), Some("a"), None, None), NotModified);
    }

    #[test]
    fn if_range_names_the_object_as_it_is() {
        let counts = |text: &str| {
            let conditions = ReadConditions { if_range: Some(text.into()), ..Default::default() };
            conditions.range_counts(&ETag("a".into()), MODIFIED)
        };
        assert!(counts("\"a\"") && !counts("\"b\""));
        assert!(counts(&httpdate::fmt_http_date(http_time(MODIFIED))));
        assert!(!counts("Sat, 01 Jan 2000 00:00:00 GMT"));
    }
}
