//! The primitives of stored records.
//!
//! Guarantees: a reader never reads beyond its record, allocates no more than the record is long,
//! and reports what it could not read as [`Malformed`]; numbers are LEB128, texts and bytes carry
//! their length. Does not: verify bytes; the catalog's CRC does.

use bytes::Bytes;

use crate::error::EngineError;

/// A stored record does not have the form that its kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {0} record is malformed")]
pub(crate) struct Malformed(pub(crate) &'static str);

impl From<Malformed> for EngineError {
    fn from(error: Malformed) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Writes one record.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// Begins a record of this format version.
    pub(crate) fn new(version: u8) -> Self {
        Self(vec![version])
    }

    pub(crate) fn byte(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(crate) fn number(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8)
    }

    pub(crate) fn fixed<const N: usize>(&mut self, value: &[u8; N]) -> &mut Self {
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.number(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }

    /// A byte 0, or a byte 1 and what `write` writes.
    pub(crate) fn option<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T),
    ) -> &mut Self {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
        self
    }

    /// A count, and then each of `values`.
    pub(crate) fn list<T>(&mut self, values: &[T], write: impl Fn(&mut Self, &T)) -> &mut Self {
        self.number(values.len() as u64);
        for value in values {
            write(self, value);
        }
        self
    }

    pub(crate) fn finish(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.0))
    }
}

/// Reads one record front to back.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// The record itself where it can be shared: opaque bytes are then slices of it, not copies.
    shared: Option<&'a Bytes>,
    kind: &'static str,
}

impl<'a> Reader<'a> {
    /// Begins to read a record of `kind`, whose format must be `version`.
    pub(crate) fn new(
        record: &'a [u8],
        kind: &'static str,
        version: u8,
    ) -> Result<Self, Malformed> {
        let mut reader = Self { rest: record, shared: None, kind };
        if reader.byte()? == version { Ok(reader) } else { Err(reader.malformed()) }
    }

    /// Like [`Reader::new`], of a record that may be kept alive by slices of it.
    pub(crate) fn shared(
        record: &'a Bytes,
        kind: &'static str,
        version: u8,
    ) -> Result<Self, Malformed> {
        let reader = Self::new(record, kind, version)?;
        Ok(Self { shared: Some(record), ..reader })
    }

    /// The error that this record is malformed.
    pub(crate) fn malformed(&self) -> Malformed {
        Malformed(self.kind)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed(self.kind))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(self.malformed());
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.malformed())
    }

    pub(crate) fn number_32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| self.malformed())
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| self.malformed())
    }

    fn slice(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| self.malformed())?;
        self.take(length)
    }

    pub(crate) fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let slice = self.slice()?;
        Ok(self.shared.map_or_else(|| Bytes::copy_from_slice(slice), |all| all.slice_ref(slice)))
    }

    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        let slice = self.slice()?;
        std::str::from_utf8(slice).map(str::to_owned).map_err(|_| self.malformed())
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.malformed()),
        }
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(crate) fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.number()?;
        // Every value takes at least one byte: a count beyond the rest is a lie, and is not allocated.
        if count > self.rest.len() as u64 {
            return Err(self.malformed());
        }
        (0..count).map(|_| read(self)).collect()
    }

    /// Ends the record; fails if bytes are left.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_at_every_width() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let record = Writer::new(1).number(value).finish();
            let mut reader = Reader::new(&record, "test", 1).unwrap();
            assert_eq!(reader.number(), Ok(value));
            assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn lies_about_lengths_are_refused() {
        let record = [1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2];
        assert!(Reader::new(&record, "test", 1).unwrap().bytes().is_err());
        assert!(Reader::new(&record, "test", 1).unwrap().list(Reader::byte).is_err());
        let endless = [[1].as_slice(), &[0xff; 12]].concat();
        assert!(Reader::new(&endless, "test", 1).unwrap().number().is_err());
        assert_eq!(Reader::new(&[2], "test", 1).unwrap_err(), Malformed("test"));
        assert_eq!(Reader::new(&[], "test", 1).unwrap_err(), Malformed("test"));
    }

    #[test]
    fn shared_records_are_sliced_and_not_copied() {
        let record = Writer::new(1).bytes(b"sealed").finish();
        let bytes = Reader::shared(&record, "test", 1).unwrap().bytes().unwrap();
        assert_eq!(bytes.as_ptr(), record[2..].as_ptr());
    }
}
