//! Buckets that have a setting, a page at a time.
//!
//! Guarantees: one walk looks at a bounded number of buckets, whatever it finds, so that background
//! tasks hold neither much memory nor a snapshot for long.

use crate::{
    catalog::{Direction, Space, Step},
    engine::{ObjectEngine, buckets::decode_named},
    error::EngineError,
    model::Bucket,
    record::{BucketState, Malformed},
};

/// A page of buckets, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketPage {
    /// Those that have the setting, and are not being deleted.
    pub buckets: Vec<Bucket>,
    /// If more may follow: from which name on.
    pub next: Option<String>,
}

impl ObjectEngine {
    /// Of the buckets from the name `from` on, `limit` are looked at for the setting.
    pub async fn buckets_with(
        &self,
        setting: &str,
        from: &str,
        limit: usize,
    ) -> Result<BucketPage, EngineError> {
        let mut page = BucketPage::default();
        let mut looked_at = 0;
        let mut outcome: Result<(), Malformed> = Ok(());
        let mut visitor = |key: &[u8], stamp, value: &[u8]| {
            let Some(name) = key.strip_prefix(b"b/") else { return Step::Stop };
            if looked_at == limit {
                page.next = Some(String::from_utf8_lossy(name).into_owned());
                return Step::Stop;
            }
            looked_at += 1;
            match decode_named(name, value, stamp) {
                Ok(record) if record.state == BucketState::Active => {
                    if record.bucket.settings.contains_key(setting) {
                        page.buckets.push(record.bucket);
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    outcome = Err(error);
                    return Step::Stop;
                }
            }
            Step::Next
        };
        let from = [b"b/", from.as_bytes()].concat();
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Index, &from, Direction::Forward, &mut visitor).await?;
        outcome?;
        Ok(page)
    }
}
