//! The words of the canonical encoding: what a record is written with and read by.
//!
//! ```text
//! u8, u32be, u64be, i64be   as named
//! text                      u32be length, then that many bytes of UTF-8
//! optional x                0x00, or 0x01 then x
//! list of x                 u32be count, then each x
//! ```
//!
//! Guarantees: a value has one encoding; the reader refuses every other, every length beyond its
//! limit before it allocates for it, and bytes that are left over.

use crate::error::Damaged;

/// Writes a record.
pub(crate) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    /// Bytes whose length is fixed by the format.
    pub(super) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("counts are asserted against far lower limits"));
    }

    /// # Panics
    /// If the text is longer than `max`: what would not be read back is never sealed.
    pub(super) fn text(&mut self, text: &str, max: usize) {
        assert!(text.len() <= max, "a sealed text keeps its limit");
        self.count(text.len());
        self.fixed(text.as_bytes());
    }

    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.u8(0),
            Some(value) => {
                self.u8(1);
                write(self, value);
            }
        }
    }
}

/// Reads a record.
pub(crate) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (bytes, rest) =
            self.0.split_at_checked(length).ok_or(Damaged("the record ends early"))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        Ok(self.bytes(N)?.try_into().expect("as many bytes as were asked for"))
    }

    pub(super) fn u8(&mut self) -> Result<u8, Damaged> {
        Ok(self.fixed::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, Damaged> {
        Ok(u32::from_be_bytes(self.fixed()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Damaged> {
        Ok(u64::from_be_bytes(self.fixed()?))
    }

    pub(super) fn i64(&mut self) -> Result<i64, Damaged> {
        Ok(i64::from_be_bytes(self.fixed()?))
    }

    /// A count of at most `max`.
    pub(super) fn count(&mut self, max: usize) -> Result<usize, Damaged> {
        let count = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        if count > max { Err(Damaged("a count is above its limit")) } else { Ok(count) }
    }

    pub(super) fn text(&mut self, max: usize) -> Result<String, Damaged> {
        let length = self.count(max)?;
        let text = std::str::from_utf8(self.bytes(length)?);
        text.map(str::to_owned).map_err(|_| Damaged("a text is not UTF-8"))
    }

    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Option<T>, Damaged> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Damaged("a presence byte is neither 0 nor 1")),
        }
    }

    /// Nothing may be left over.
    pub(super) fn finish(self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged("the record has trailing bytes")) }
    }
}
