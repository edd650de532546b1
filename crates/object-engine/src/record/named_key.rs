//! Records of named keys, and the part of version and upload records that says who holds them.

use bytes::Bytes;

use super::{Malformed, Reader, Writer};
use crate::{
    clock::Timestamp,
    model::{Holder, KmsHolder, NamedKey},
};

const FORMAT: u8 = 1;

pub(crate) fn encode_named_key(key: &NamedKey) -> Bytes {
    Writer::new(FORMAT)
        .text(&key.name)
        .fixed(&key.uid)
        .fixed(&key.created.0.to_be_bytes())
        .byte(u8::from(key.enabled))
        .bytes(&key.sealed)
        .finish()
}

pub(crate) fn decode_named_key(record: &[u8]) -> Result<NamedKey, Malformed> {
    let mut record = Reader::new(record, "named key", FORMAT)?;
    let key = NamedKey {
        name: record.text()?,
        uid: record.fixed()?,
        created: Timestamp(i64::from_be_bytes(record.fixed()?)),
        enabled: record.flag()?,
        sealed: record.bytes()?,
    };
    record.end()?;
    Ok(key)
}

pub(super) fn write_holder(out: &mut Writer, holder: &Holder) {
    match holder {
        Holder::Customer => out.byte(1),
        Holder::Server => out.byte(2),
        Holder::Kms(kms) => {
            let KmsHolder { key, wrapped, context, bucket_key } = &**kms;
            out.byte(3).text(key).bytes(wrapped);
            out.list(context, |out, (name, value)| {
                out.text(name).text(value);
            });
            out.byte(u8::from(*bucket_key))
        }
    };
}

pub(super) fn read_holder(record: &mut Reader<'_>) -> Result<Holder, Malformed> {
    match record.byte()? {
        1 => Ok(Holder::Customer),
        2 => Ok(Holder::Server),
        3 => Ok(Holder::Kms(Box::new(KmsHolder {
            key: record.text()?,
            wrapped: record.bytes()?,
            context: record.list(|record| Ok((record.text()?, record.text()?)))?,
            bucket_key: record.flag()?,
        }))),
        _ => Err(record.malformed()),
    }
}
