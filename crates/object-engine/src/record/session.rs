//! Sessions of engines that share a catalog.

use bytes::Bytes;

use super::{Malformed, Reader, Writer};
use crate::catalog::Stamp;

const FORMAT: u8 = 1;

/// One life of an engine: random, new at every open, and again when the others gave it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionId(pub(crate) [u8; 16]);

/// Whether a session still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    Open,
    /// Given up by the others: what it held is being taken back. There is no way back.
    Fenced,
}

/// A session as stored. Its stamp changes with every sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) state: SessionState,
    /// No reader of this session looked anything up before the write of this stamp.
    pub(crate) readers: Stamp,
}

impl Session {
    pub(crate) fn encode(self) -> Bytes {
        let fenced = u8::from(self.state == SessionState::Fenced);
        Writer::new(FORMAT).byte(fenced).number(self.readers.0).finish()
    }

    pub(crate) fn decode(record: &[u8]) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, "session", FORMAT)?;
        let state = if record.flag()? { SessionState::Fenced } else { SessionState::Open };
        let readers = Stamp(record.number()?);
        record.end()?;
        Ok(Self { state, readers })
    }
}

/// The record of a turn at background work: whose it is.
pub(crate) fn encode_turn(holder: SessionId) -> Bytes {
    Writer::new(FORMAT).fixed(&holder.0).finish()
}

pub(crate) fn decode_turn(record: &[u8]) -> Result<SessionId, Malformed> {
    let mut record = Reader::new(record, "turn", FORMAT)?;
    let holder = SessionId(record.fixed()?);
    record.end()?;
    Ok(holder)
}
