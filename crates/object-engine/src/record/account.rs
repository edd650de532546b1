//! Account and access key records.

use bytes::Bytes;

use super::{Malformed, Reader, Writer};
use crate::model::{AccessKey, Account, AccountId};

const FORMAT: u8 = 1;

pub(crate) fn encode_account(account: &Account) -> Bytes {
    let mut out = Writer::new(FORMAT);
    out.text(&account.id.0).text(&account.name).text(&account.display_name);
    for optional in [&account.email, &account.policy] {
        out.option(optional.as_ref(), |out, text| {
            out.text(text);
        });
    }
    out.finish()
}

pub(crate) fn decode_account(record: &[u8]) -> Result<Account, Malformed> {
    let mut record = Reader::new(record, "account", FORMAT)?;
    let account = Account {
        id: AccountId(record.text()?),
        name: record.text()?,
        display_name: record.text()?,
        email: record.option(Reader::text)?,
        policy: record.option(Reader::text)?,
    };
    record.end()?;
    Ok(account)
}

pub(crate) fn encode_access_key(key: &AccessKey) -> Bytes {
    Writer::new(FORMAT)
        .text(&key.id)
        .text(&key.account)
        .bytes(&key.sealed_secret)
        .byte(u8::from(key.enabled))
        .finish()
}

pub(crate) fn decode_access_key(record: &[u8]) -> Result<AccessKey, Malformed> {
    let mut record = Reader::new(record, "access key", FORMAT)?;
    let key = AccessKey {
        id: record.text()?,
        account: record.text()?,
        sealed_secret: record.bytes()?,
        enabled: record.flag()?,
    };
    record.end()?;
    Ok(key)
}
