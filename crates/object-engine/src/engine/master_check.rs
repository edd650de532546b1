//! What a catalog keeps so that a server with another master key is refused.
//!
//! Guarantees: of servers that find nothing and write at once, all get what the first one wrote.
//! Does not: know what it is; sealed bytes come and go.

use bytes::Bytes;

use crate::{
    catalog::{Commit, Expect},
    engine::ObjectEngine,
    error::EngineError,
    keys,
    record::{decode_master_check, encode_master_check},
};

impl ObjectEngine {
    /// The check that the catalog keeps; `sealed` from now on if there was none.
    pub async fn master_check(&self, sealed: &[u8]) -> Result<Bytes, EngineError> {
        loop {
            if let Some(entry) = self.get(keys::master_check()).await? {
                return Ok(decode_master_check(&entry.value)?);
            }
            let mut commit = Commit::default();
            commit.check(keys::master_check(), Expect::Absent);
            commit.put(keys::master_check(), encode_master_check(sealed));
            self.commit(commit).await?;
        }
    }
}
