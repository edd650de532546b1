//! The part of version and upload records that stands in clear beside the sealed object.

use super::{Malformed, Reader, Writer};
use crate::{
    clock::Timestamp,
    model::{Attached, LegalHold, Retention, RetentionMode},
};

pub(super) fn write_attached(out: &mut Writer, attached: &Attached) {
    let Attached { tags, acl, retention, legal_hold } = attached;
    out.list(tags, |out, (name, value)| {
        out.text(name).text(value);
    });
    out.option(acl.as_ref(), |out, acl| {
        out.text(acl);
    });
    out.option(*retention, |out, retention| {
        out.byte(match retention.mode {
            RetentionMode::Governance => 0,
            RetentionMode::Compliance => 1,
        });
        out.fixed(&retention.until.0.to_be_bytes());
    });
    out.byte(match legal_hold {
        None => 0,
        Some(LegalHold::On) => 1,
        Some(LegalHold::Off) => 2,
    });
}

pub(super) fn read_attached(record: &mut Reader<'_>) -> Result<Attached, Malformed> {
    Ok(Attached {
        tags: record.list(|record| Ok((record.text()?, record.text()?)))?,
        acl: record.option(Reader::text)?,
        retention: record.option(read_retention)?,
        legal_hold: read_legal_hold(record)?,
    })
}

fn read_retention(record: &mut Reader<'_>) -> Result<Retention, Malformed> {
    let mode = match record.byte()? {
        0 => RetentionMode::Governance,
        1 => RetentionMode::Compliance,
        _ => return Err(record.malformed()),
    };
    Ok(Retention { mode, until: Timestamp(i64::from_be_bytes(record.fixed()?)) })
}

fn read_legal_hold(record: &mut Reader<'_>) -> Result<Option<LegalHold>, Malformed> {
    match record.byte()? {
        0 => Ok(None),
        1 => Ok(Some(LegalHold::On)),
        2 => Ok(Some(LegalHold::Off)),
        _ => Err(record.malformed()),
    }
}
