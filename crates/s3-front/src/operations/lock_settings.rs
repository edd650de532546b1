//! A bucket's Object Lock configuration, and the lock that new versions get from it.
//!
//! Guarantees: a configuration that cannot be read stops the write; a write that asks for a lock where
//! there is none is refused, and so is one whose body nothing guards where the version will be locked.
//! Does not: keep locked versions from being removed; the engine does.

use jiff::{Span, tz::Offset};
use object_engine::{
    clock::Timestamp,
    model::{Attached, Bucket, LegalHold, OBJECT_LOCK, Retention, RetentionMode},
};

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    identity::Principal,
    request::object_lock::{AskedLock, mode, mode_name},
    service::{Call, settings::damaged},
    xml::{Element, XmlWriter, malformed},
};

/// AWS's limits.
const DAYS_MAX: i64 = 36_500;
const YEARS_MAX: i64 = 100;

/// What a bucket with Object Lock says of its new versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockSettings {
    /// The retention of versions that ask for none.
    default: Option<DefaultRetention>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DefaultRetention {
    mode: RetentionMode,
    period: Period,
}

/// From the version's creation on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Days(i64),
    Years(i64),
}

impl LockSettings {
    /// A bucket's; `None`: it has no Object Lock.
    pub(crate) fn of(bucket: &Bucket) -> S3Result<Option<Self>> {
        match bucket.settings.get(OBJECT_LOCK) {
            None => Ok(None),
            Some(document) => match Self::parse(document.as_bytes()) {
                Ok(settings) => Ok(Some(settings)),
                Err(_) => Err(damaged(bucket, OBJECT_LOCK)),
            },
        }
    }

    /// Reads the document of PutObjectLockConfiguration.
    pub(crate) fn parse(body: &[u8]) -> S3Result<Self> {
        let root = Element::parse(body, "ObjectLockConfiguration")?;
        root.only(&["ObjectLockEnabled", "Rule"])?;
        if root.required("ObjectLockEnabled")?.trim() != "Enabled" {
            return Err(malformed());
        }
        let Some(rule) = only_child(&root, "Rule")? else { return Ok(Self::default()) };
        rule.only(&["DefaultRetention"])?;
        let retention = only_child(rule, "DefaultRetention")?.ok_or_else(malformed)?;
        Ok(Self { default: Some(DefaultRetention::parse(retention)?) })
    }

    /// The document of GetObjectLockConfiguration, which is also how the settings are kept.
    pub(crate) fn document(self) -> String {
        let mut writer = XmlWriter::new("ObjectLockConfiguration");
        writer.text("ObjectLockEnabled", "Enabled");
        if let Some(default) = self.default {
            writer.inside("Rule", |rule| {
                rule.inside("DefaultRetention", |retention| {
                    retention.text("Mode", mode_name(default.mode));
                    match default.period {
                        Period::Days(days) => retention.text("Days", days),
                        Period::Years(years) => retention.text("Years", years),
                    };
                });
            });
        }
        writer.finish()
    }

    /// The retention of a version that is created `now` and asks for none.
    pub(crate) fn retention(self, now: Timestamp) -> S3Result<Option<Retention>> {
        let Some(default) = self.default else { return Ok(None) };
        let until = default.period.after(now).ok_or(ErrorCode::InternalError)?;
        Ok(Some(Retention { mode: default.mode, until }))
    }
}

impl DefaultRetention {
    fn parse(element: &Element) -> S3Result<Self> {
        element.only(&["Mode", "Days", "Years"])?;
        let mode = mode(element.required("Mode")?.trim()).ok_or_else(malformed)?;
        let period = match (element.optional("Days")?, element.optional("Years")?) {
            (Some(days), None) => Period::Days(whole("Days", days, DAYS_MAX)?),
            (None, Some(years)) => Period::Years(whole("Years", years, YEARS_MAX)?),
            (None, None) | (Some(_), Some(_)) => return Err(malformed()),
        };
        Ok(Self { mode, period })
    }
}

impl Period {
    /// Days have 24 hours; a year ends on the same day of the next. `None` past the year 9999.
    fn after(self, now: Timestamp) -> Option<Timestamp> {
        let now = jiff::Timestamp::from_millisecond(now.0).ok()?;
        let span = match self {
            Self::Days(days) => Span::new().try_days(days),
            Self::Years(years) => Span::new().try_years(years),
        };
        let then = Offset::UTC.to_datetime(now).checked_add(span.ok()?).ok()?;
        Some(Timestamp(Offset::UTC.to_timestamp(then).ok()?.as_millisecond()))
    }
}

fn whole(name: &'static str, text: &str, max: i64) -> S3Result<i64> {
    let refused = |message| Err(S3Error::argument(message, name, text));
    match text.trim().parse::<i64>() {
        Err(_) => Err(malformed()),
        Ok(number) if number <= 0 => {
            refused("Default retention period must be a positive integer value.")
        }
        Ok(number) if number > max => refused("Default retention period too large."),
        Ok(number) => Ok(number),
    }
}

fn only_child<'e>(element: &'e Element, name: &str) -> S3Result<Option<&'e Element>> {
    element.optional(name)?;
    Ok(element.children().iter().find(|child| child.name() == name))
}

/// The lock of a version that a request makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NewLock {
    retention: Option<Retention>,
    legal_hold: Option<LegalHold>,
}

impl NewLock {
    /// What the request asks, and where it asks for no retention the bucket's default.
    pub(super) fn of(call: &Call<'_>, bucket: &Bucket) -> S3Result<Self> {
        let mut lock = Self::asked(call, bucket)?;
        if lock.retention.is_none()
            && let Some(settings) = LockSettings::of(bucket)?
        {
            lock.retention = settings.retention(call.service.options.clock.now())?;
        }
        Ok(lock)
    }

    /// What the request asks, for an upload: the default is that of the moment of its completion.
    pub(super) fn asked(call: &Call<'_>, bucket: &Bucket) -> S3Result<Self> {
        let asked = AskedLock::parse(&call.head, call.service.options.clock.now())?;
        if asked.is_some() && call.principal == Principal::Anonymous {
            return Err(S3Error::argument(
                "Put Object requests with Object Lock parameters require AWS Signature Version 4",
                "Authorization",
                "",
            ));
        }
        if asked.is_some() && LockSettings::of(bucket)?.is_none() {
            return Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                "Bucket is missing ObjectLockConfiguration",
            ));
        }
        Ok(Self { retention: asked.retention, legal_hold: asked.legal_hold })
    }

    /// What an open upload's version will have.
    pub(super) fn of_upload(attached: &Attached, bucket: &Bucket) -> S3Result<Self> {
        let default = LockSettings::of(bucket)?.and_then(|settings| settings.default);
        let soon = default.map(|default| Retention { mode: default.mode, until: Timestamp(0) });
        Ok(Self { retention: attached.retention.or(soon), legal_hold: attached.legal_hold })
    }

    /// What stands beside the version, with `tags`.
    pub(super) fn with_tags(self, tags: Vec<(String, String)>) -> Attached {
        let Self { retention, legal_hold } = self;
        Attached { retention, legal_hold, ..Attached::tags(tags) }
    }

    /// A body that will be locked must prove that it arrived whole: `requests` (`Put Object` or
    /// `Put Part`) without `Content-MD5` and checksum are refused.
    pub(super) fn demand_integrity(self, is_guarded: bool, requests: &str) -> S3Result<()> {
        if is_guarded || self == Self::default() {
            return Ok(());
        }
        Err(S3Error::with_message(
            ErrorCode::InvalidRequest,
            format!(
                "Content-MD5 OR x-amz-checksum- HTTP header is required for {requests} requests with Object Lock parameters"
            ),
        )
        .closing())
    }
}

/// `403 AccessDenied`, in the words that S3 has for locks.
pub(super) fn object_locked() -> S3Error {
    S3Error::with_message(
        ErrorCode::AccessDenied,
        "Access Denied because object protected by object lock.",
    )
}

/// `400 InvalidRequest`, where the operation is about locks and the bucket has none.
pub(super) fn demand_lock(bucket: &Bucket) -> S3Result<()> {
    match LockSettings::of(bucket)? {
        Some(_) => Ok(()),
        None => Err(S3Error::with_message(
            ErrorCode::InvalidRequest,
            "Bucket is missing Object Lock Configuration",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(inner: &str) -> String {
        format!("<ObjectLockConfiguration>{inner}</ObjectLockConfiguration>")
    }

    fn rule(inner: &str) -> String {
        document(&format!(
            "<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>{inner}</DefaultRetention></Rule>"
        ))
    }

    #[test]
    fn the_configuration_has_its_schema() {
        for good in [
            document("<ObjectLockEnabled>Enabled</ObjectLockEnabled>"),
            rule("<Mode>GOVERNANCE</Mode><Days>36500</Days>"),
            rule("<Mode>COMPLIANCE</Mode><Years>100</Years>"),
        ] {
            let settings = LockSettings::parse(good.as_bytes()).unwrap();
            assert_eq!(LockSettings::parse(settings.document().as_bytes()), Ok(settings), "{good}");
        }
        for bad in [
            document(""),
            document("<ObjectLockEnabled>Disabled</ObjectLockEnabled>"),
            document("<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule/>"),
            document("<ObjectLockEnabled>Enabled</ObjectLockEnabled><X/>"),
            rule(""),
            rule("<Mode>GOVERNANCE</Mode>"),
            rule("<Mode>governance</Mode><Days>1</Days>"),
            rule("<Days>1</Days>"),
            rule("<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>"),
            rule("<Mode>GOVERNANCE</Mode><Days>x</Days>"),
        ] {
            let error = LockSettings::parse(bad.as_bytes()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::MalformedXML, "{bad}");
        }
        let positive = "Default retention period must be a positive integer value.";
        for (name, number, message) in [
            ("Days", "0", positive),
            ("Years", "-1", positive),
            ("Days", "36501", "Default retention period too large."),
            ("Years", "101", "Default retention period too large."),
        ] {
            let bad = rule(&format!("<Mode>GOVERNANCE</Mode><{name}>{number}</{name}>"));
            let error = LockSettings::parse(bad.as_bytes()).unwrap_err();
            assert_eq!((error.code(), error.message()), (ErrorCode::InvalidArgument, message));
            assert_eq!(error.elements()[0].1, name);
        }
    }

    #[test]
    fn a_period_ends_on_the_day_that_a_calendar_says() {
        let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let now = at("2024-02-29T12:00:00.5Z");
        assert_eq!(Period::Days(1).after(now), Some(at("2024-03-01T12:00:00.5Z")));
        assert_eq!(Period::Years(1).after(now), Some(at("2025-02-28T12:00:00.5Z")));
        assert_eq!(Period::Years(100).after(now), Some(at("2124-02-29T12:00:00.5Z")));
        assert_eq!(Period::Days(DAYS_MAX).after(at("9999-12-01T00:00:00Z")), None);
    }
}
