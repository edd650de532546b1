//! GetObjectRetention and PutObjectRetention.
//!
//! Guarantees: until its date, compliance is never lifted, shortened or turned into governance, by
//! whomever; governance only by who may bypass it. That is decided upon what stands there in the
//! commit. Retention is in clear, so no operation here needs a customer's key.

use object_engine::{
    clock::Timestamp,
    engine::ChangeAttached,
    model::{Attached, Lock, Retention, RetentionMode},
};

use super::{
    At, found,
    lock_settings::{demand_lock, object_locked},
};
use crate::{
    error::{ErrorCode, S3Result},
    request::{
        listing,
        object_lock::{ahead, bypasses_governance, mode, mode_name},
    },
    response::{Answer, time},
    service::{Call, HttpBody, Incoming},
    xml::{Element, XmlWriter, malformed},
};

/// A version's retention, also one whose date is over.
pub(crate) async fn get_object_retention(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    demand_lock(&bucket)?;
    let selector = listing::version(&call.head.query)?;
    let (_, object) = found::object(call, &bucket, at.key, selector).await?;
    let retention = object.attached.retention.ok_or(ErrorCode::NoSuchObjectLockConfiguration)?;
    let mut writer = XmlWriter::new("Retention");
    writer
        .text("Mode", mode_name(retention.mode))
        .text("RetainUntilDate", time::precise(retention.until));
    Ok(Answer::xml(writer.finish()))
}

/// Sets a version's retention, or with an empty document removes it.
pub(crate) async fn put_object_retention<B: HttpBody>(
    call: &Call<'_>,
    at: &At<'_>,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    demand_lock(&bucket)?;
    let clock = &call.service.options.clock;
    let wanted = parse(&call.guarded_document(incoming).await?, clock.now())?;
    if let Some(retention) = wanted {
        call.authorise_retention(&bucket, retention).await?;
    }
    let selector = listing::version(&call.head.query)?;
    let (version, _) = found::object(call, &bucket, at.key, selector).await?;
    let bypasses = bypasses_governance(&call.head);
    let change = |attached: &mut Attached| {
        if is_kept(attached.retention, wanted, (clock.now(), bypasses)) {
            return Err(object_locked());
        }
        attached.retention = wanted;
        Ok(())
    };
    match call.engine().change_attached(&bucket, &version, change).await? {
        ChangeAttached::Changed => Ok(Answer::ok()),
        ChangeAttached::Gone => Err(found::no_such_key(at.key)),
        ChangeAttached::Refused(error) => Err(error),
    }
}

/// Whether the retention that stands there refuses the one that is wanted.
fn is_kept(
    current: Option<Retention>,
    wanted: Option<Retention>,
    (now, bypasses): (Timestamp, bool),
) -> bool {
    let lock = Attached { retention: current, ..Attached::default() }.lock_at(now);
    let (Some(current), Some(lock)) = (current, lock) else { return false };
    let keeps = |wanted: Retention| wanted.mode == current.mode && wanted.until >= current.until;
    match lock {
        Lock::Governance => !bypasses && !wanted.is_some_and(keeps),
        Lock::Firm => !wanted.is_some_and(keeps),
    }
}

/// The document's retention; `None` where it is empty.
fn parse(body: &[u8], now: Timestamp) -> S3Result<Option<Retention>> {
    let root = Element::parse(body, "Retention")?;
    root.only(&["Mode", "RetainUntilDate"])?;
    if root.children().is_empty() {
        return Ok(None);
    }
    let mode: RetentionMode = mode(root.required("Mode")?.trim()).ok_or_else(malformed)?;
    let until = root.required("RetainUntilDate")?.trim();
    Ok(Some(Retention { mode, until: ahead(until, "RetainUntilDate", now)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn retention(mode: RetentionMode, until: i64) -> Option<Retention> {
        Some(Retention { mode, until: Timestamp(until) })
    }

    #[test]
    fn what_stands_there_decides() {
        use RetentionMode::{Compliance, Governance};
        for (current, wanted, plain, bypassing) in [
            (None, None, false, false),
            (None, retention(Compliance, 2_000), false, false),
            (retention(Governance, 2_000), retention(Governance, 2_000), false, false),
            (retention(Governance, 2_000), retention(Governance, 2_001), false, false),
            (retention(Governance, 2_000), retention(Governance, 1_999), true, false),
            (retention(Governance, 2_000), retention(Compliance, 3_000), true, false),
            (retention(Governance, 2_000), None, true, false),
            (retention(Compliance, 2_000), retention(Compliance, 2_001), false, false),
            (retention(Compliance, 2_000), retention(Compliance, 1_999), true, true),
            (retention(Compliance, 2_000), retention(Governance, 3_000), true, true),
            (retention(Compliance, 2_000), None, true, true),
            (retention(Compliance, 1_000), None, false, false),
            (retention(Compliance, 1_000), retention(Governance, 1_500), false, false),
        ] {
            for (bypasses, kept) in [(false, plain), (true, bypassing)] {
                let found = is_kept(current, wanted, (NOW, bypasses));
                assert_eq!(found, kept, "{current:?} to {wanted:?}, bypassing: {bypasses}");
            }
        }
    }

    #[test]
    fn the_document_is_whole_or_empty() {
        let parsed = |inner: &str| {
            let body = format!("<Retention>{inner}</Retention>");
            parse(body.as_bytes(), NOW).map_err(|error| error.code())
        };
        assert_eq!(parsed(""), Ok(None));
        let date = "<RetainUntilDate>1970-01-01T00:00:02Z</RetainUntilDate>";
        assert_eq!(
            parsed(&format!("<Mode>GOVERNANCE</Mode>{date}")),
            Ok(retention(RetentionMode::Governance, 2_000))
        );
        for (inner, code) in [
            (date.to_owned(), ErrorCode::MalformedXML),
            ("<Mode>GOVERNANCE</Mode>".to_owned(), ErrorCode::MalformedXML),
            (format!("<Mode>governance</Mode>{date}"), ErrorCode::MalformedXML),
            (format!("<Mode>GOVERNANCE</Mode>{date}<X/>"), ErrorCode::MalformedXML),
            (
                "<Mode>GOVERNANCE</Mode><RetainUntilDate>1970-01-01</RetainUntilDate>".to_owned(),
                ErrorCode::InvalidArgument,
            ),
        ] {
            assert_eq!(parsed(&inner), Err(code), "{inner}");
        }
    }
}
