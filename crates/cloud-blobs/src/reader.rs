//! Reading a blob: by ranges, ahead of whoever reads in order.
//!
//! Guarantees: a blob whose head is missing, damaged, another blob's or of another length is refused before
//! any byte is answered. A reader that goes on where it stopped is answered out of one running request,
//! whose range grows with what was read so far and ends with its segment; what waits on that request is in
//! the connection, not in a growing buffer. An answer that breaks off is asked for again where it broke.
//!
//! Does not: check stored bytes on ranged reads (the seal does, and covers more); scrubbing does. Does not
//! outlive a deletion either: the engine defers deletions until their readers are gone.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Buf as _, Bytes};
use futures_util::{StreamExt as _, stream::BoxStream};
use object_engine::blobs::{
    BlobError, BlobId, BlobReader,
    buffers::{BLOCK_BYTES, Buffer},
    sums::{SUMMED_BYTES, Sums},
};
use object_store::{GetOptions, GetRange, GetResult, ObjectStore, path::Path};
use tokio::sync::Mutex;

use crate::{
    Volume,
    failure::{damaged, reading},
    head::{HEADER_BYTES, Head},
};

/// Blobs up to this length are fetched whole when they are opened: one request instead of two, for no more
/// memory than the frame that will be answered from it.
const WHOLE_BYTES: u64 = 256 * 1024;

/// What opening asks for at most when it does not fetch the whole: the head of a blob of 5 GiB.
const HEAD_BYTES: u64 = 128 * 1024;

/// The longest range of one request beyond what was asked for, in bytes.
const AHEAD_BYTES_MAX: u64 = 8 << 20;

/// By what the range of a request grows over the one before it.
const AHEAD_GROWTH: u64 = 4;

/// How often in a row an answer may break off without a byte. Each request was retried by itself before.
const BREAKS_MAX: usize = 3;

/// Reads one finished blob.
pub(crate) struct CloudReader {
    volume: Arc<Volume>,
    head: Head,
    /// Where the tail begins in the head's object.
    header_bytes: u64,
    /// The begin of the tail, as far as it came with the head.
    tail: Bytes,
    cursor: Mutex<Cursor>,
}

/// Where a reader in order goes on.
#[derive(Default)]
struct Cursor {
    /// The offset in the blob that the next read would have.
    next: u64,
    /// The range of the last request in bytes; 0 where nothing was read in order yet.
    window: u64,
    chunk: Bytes,
    stream: Option<BoxStream<'static, object_store::Result<Bytes>>>,
}

/// Where an offset of a blob lies.
struct Place {
    path: Path,
    offset: u64,
    /// From there to the object's end, in bytes.
    left: u64,
}

impl CloudReader {
    /// Fetches and checks the head.
    pub(crate) async fn open(
        volume: Arc<Volume>,
        id: BlobId,
        length: u64,
    ) -> Result<Self, BlobError> {
        let path = volume.names.head(id);
        let words = length.div_ceil(SUMMED_BYTES).saturating_mul(4);
        let guess = if length <= WHOLE_BYTES { length + words } else { words.saturating_mul(2) };
        let first =
            (guess.saturating_add(HEADER_BYTES as u64)).min(HEAD_BYTES.max(WHOLE_BYTES * 2));
        let (mut fetched, size) = fetch(&volume, &path, 0..first, id).await?;
        let wrong = |what: &'static str| damaged(id, what);
        let extent = Head::extent(&fetched, id, length).map_err(wrong)?;
        if extent > fetched.len() && (fetched.len() as u64) < size {
            (fetched, _) = fetch(&volume, &path, 0..extent as u64, id).await?;
        }
        let header = fetched.get(..extent).ok_or_else(|| wrong("its head is short"))?;
        let head = Head::decode(header, id, length).map_err(wrong)?;
        let header_bytes = extent as u64;
        if size != header_bytes + (length - head.segmented()) {
            return Err(damaged(
                id,
                format!("its head's object of {size} bytes is cut or overlong"),
            ));
        }
        let tail = fetched.slice(extent..);
        Ok(Self { volume, head, header_bytes, tail, cursor: Mutex::default() })
    }

    /// The table of checksums as it was written.
    pub(crate) fn into_sums(self) -> Vec<u32> {
        self.head.table
    }

    /// Verifies every stored byte.
    pub(crate) async fn scrub(&self) -> Result<(), BlobError> {
        let mut sums = Sums::default();
        let mut at = 0;
        let mut buffer = self.volume.options.buffers.take(BLOCK_BYTES);
        while at < self.head.length {
            let left = usize::try_from(self.head.length - at).unwrap_or(usize::MAX);
            buffer.resize(left.min(BLOCK_BYTES));
            buffer = self.read_at(at, buffer).await?;
            buffer.mark_sealed();
            sums.update(&buffer);
            at += buffer.len() as u64;
        }
        let found = sums.finish();
        match found.iter().zip(&self.head.table).position(|(found, expected)| found != expected) {
            Some(entry) => {
                Err(damaged(self.head.id, format!("MiB {entry} does not match its CRC32C")))
            }
            None => Ok(()),
        }
    }

    /// The object of an offset within the blob.
    fn place(&self, offset: u64) -> Place {
        let mut start = 0;
        for (index, cut) in self.head.cuts.iter().enumerate() {
            let end = start + u64::from(*cut);
            if offset < end {
                let path = self.volume.names.segment(self.head.id, index);
                return Place { path, offset: offset - start, left: end - offset };
            }
            start = end;
        }
        let path = self.volume.names.head(self.head.id);
        let offset_in_object = self.header_bytes + (offset - start);
        Place { path, offset: offset_in_object, left: self.head.length - offset }
    }

    /// What came with the head from `offset` on; empty where nothing did.
    fn held(&self, offset: u64) -> &[u8] {
        let start = offset.checked_sub(self.head.segmented()).map(usize::try_from);
        let Some(Ok(start)) = start else { return &[] };
        self.tail.get(start..).unwrap_or_default()
    }

    /// Fills `out` from `offset`, which is where the cursor stands.
    async fn fill(
        &self,
        cursor: &mut Cursor,
        offset: u64,
        mut out: &mut [u8],
    ) -> Result<(), BlobError> {
        let mut at = offset;
        let mut breaks = 0;
        while !out.is_empty() {
            let held = self.held(at);
            let source = if held.is_empty() { &cursor.chunk[..] } else { held };
            if !source.is_empty() {
                let n = source.len().min(out.len());
                let (now, later) = out.split_at_mut(n);
                now.copy_from_slice(&source[..n]);
                if held.is_empty() {
                    cursor.chunk.advance(n);
                }
                (out, at, breaks) = (later, at + n as u64, 0);
                continue;
            }
            let Some(stream) = &mut cursor.stream else {
                cursor.stream = Some(self.request(&mut cursor.window, at, out.len() as u64).await?);
                continue;
            };
            match stream.next().await {
                Some(Ok(chunk)) => cursor.chunk = chunk,
                // The range ended, or its connection did; which of them the next request shows.
                None => (cursor.stream, breaks) = (None, breaks + 1),
                Some(Err(error)) if breaks >= BREAKS_MAX => {
                    return Err(reading(&error, self.head.id));
                }
                Some(Err(_)) => (cursor.stream, breaks) = (None, breaks + 1),
            }
            if breaks > BREAKS_MAX {
                return Err(damaged(self.head.id, "an object of it is shorter than it was"));
            }
        }
        Ok(())
    }

    /// Asks for at least `need` bytes from `at`, or up to the object's end.
    async fn request(
        &self,
        window: &mut u64,
        at: u64,
        need: u64,
    ) -> Result<BoxStream<'static, object_store::Result<Bytes>>, BlobError> {
        let place = self.place(at);
        let ahead = window.saturating_mul(AHEAD_GROWTH).min(AHEAD_BYTES_MAX);
        let bytes = need.max(ahead).min(place.left);
        *window = bytes;
        let range = place.offset..place.offset + bytes;
        let result = get(&self.volume, &place.path, range, self.head.id).await?;
        Ok(result.into_stream())
    }
}

#[async_trait]
impl BlobReader for CloudReader {
    async fn read_at(&self, offset: u64, mut buffer: Buffer) -> Result<Buffer, BlobError> {
        let end = offset.checked_add(buffer.len() as u64);
        let end = end.filter(|end| *end <= self.head.length);
        let end = end.ok_or_else(|| damaged(self.head.id, "was read beyond its end"))?;
        let mut own = Cursor::default();
        let Ok(mut shared) = self.cursor.try_lock() else {
            // Somebody else reads in order; this one does without.
            self.fill(&mut own, offset, &mut buffer).await?;
            return Ok(buffer);
        };
        // Taken out, so that a read that is given up half-way leaves no cursor at a wrong place.
        let mut cursor = std::mem::take(&mut *shared);
        if cursor.next != offset {
            cursor = own;
        }
        self.fill(&mut cursor, offset, &mut buffer).await?;
        cursor.next = end;
        *shared = cursor;
        Ok(buffer)
    }
}

/// The bytes of a range as far as the object has them, and the object's size.
async fn fetch(
    volume: &Volume,
    path: &Path,
    range: std::ops::Range<u64>,
    id: BlobId,
) -> Result<(Bytes, u64), BlobError> {
    let result = get(volume, path, range, id).await?;
    let size = result.meta.size;
    let bytes = result.bytes().await.map_err(|error| reading(&error, id))?;
    Ok((bytes, size))
}

async fn get(
    volume: &Volume,
    path: &Path,
    range: std::ops::Range<u64>,
    id: BlobId,
) -> Result<GetResult, BlobError> {
    let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
    volume.store.get_opts(path, options).await.map_err(|error| reading(&error, id))
}
