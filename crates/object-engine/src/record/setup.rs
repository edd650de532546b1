//! How an engine that shares a catalog says it is set up.

use bytes::Bytes;

use super::{Malformed, Reader, Writer};
use crate::engine::{Setting, SettingValue};

const FORMAT: u8 = 1;

/// The record of an engine's settings.
pub(crate) fn encode_setup(settings: &[Setting]) -> Bytes {
    let mut out = Writer::new(FORMAT);
    out.list(settings, |out, setting| {
        out.text(&setting.name);
        match &setting.value {
            SettingValue::Shown(value) => out.byte(0).text(value),
            SettingValue::Hidden(fingerprint) => out.byte(1).fixed(fingerprint),
        };
    });
    out.finish()
}

pub(crate) fn decode_setup(record: &[u8]) -> Result<Vec<Setting>, Malformed> {
    let mut record = Reader::new(record, "setup", FORMAT)?;
    let settings = record.list(|record| {
        let name = record.text()?;
        let value = if record.flag()? {
            SettingValue::Hidden(record.fixed()?)
        } else {
            SettingValue::Shown(record.text()?)
        };
        Ok(Setting { name, value })
    })?;
    record.end()?;
    Ok(settings)
}
