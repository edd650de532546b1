//! Pooled, page-aligned buffers.
//!
//! Guarantees: a [`Buffer`] starts on a 4 KiB border of memory, or as far behind one as was asked;
//! what a holder wrote is wiped before the memory goes to another holder or back to the allocator,
//! unless the holder said by
//! [`Buffer::mark_sealed`] that it is sealed bytes only; what lies free in the pool and what is lent as
//! write-ahead are together within one budget.
//!
//! Does not: limit readers, nor a writer's first block (so nobody can wait for a buffer that a slow
//! client holds); only write-ahead is charged to the budget, and it shrinks to nothing under load.

use std::{
    fmt,
    ops::{Deref, DerefMut, Range},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;

/// The alignment of every buffer in bytes: what O_DIRECT asks of memory on any disk.
pub const PAGE_BYTES: usize = 4096;

/// The block that writers fill and write behind, in bytes.
pub const BLOCK_BYTES: usize = 256 * 1024;

/// What write-ahead and free memory may hold at most together, by default, in bytes.
pub const BUDGET_BYTES_DEFAULT: usize = 32 * 1024 * 1024;

/// The pooled sizes in bytes. The larger one fits 16 sealed chunks (262,400 bytes, a GET's frame, which
/// starts up to 3,840 behind a border) and a write block with one page for its footer; the smaller one
/// fits one sealed chunk or a small blob.
const CLASSES: [usize; 2] = [64 * 1024, 266_240];

const _: () = assert!(CLASSES[1] >= BLOCK_BYTES + PAGE_BYTES);
const _: () =
    assert!(CLASSES[0].is_multiple_of(PAGE_BYTES) && CLASSES[1].is_multiple_of(PAGE_BYTES));

/// A page of memory; a type of its own because its alignment is the buffer's.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(4096))]
struct Page([u8; PAGE_BYTES]);

/// Where buffers come from and go back to. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct BufferPool(Arc<Pool>);

struct Pool {
    budget_bytes: usize,
    /// Bytes lent as write-ahead.
    ahead: AtomicUsize,
    /// Bytes on the shelves.
    kept: AtomicUsize,
    /// Free memory, one shelf a class.
    shelves: [Mutex<Vec<Vec<Page>>>; CLASSES.len()],
}

impl Default for BufferPool {
    fn default() -> Self {
        Self::new(BUDGET_BYTES_DEFAULT)
    }
}

impl BufferPool {
    /// A pool that lends at most `budget_bytes` as write-ahead, and keeps free memory for the rest of it.
    #[must_use]
    pub fn new(budget_bytes: usize) -> Self {
        let shelves = Default::default();
        Self(Arc::new(Pool {
            budget_bytes,
            ahead: AtomicUsize::default(),
            kept: AtomicUsize::default(),
            shelves,
        }))
    }

    /// A buffer of `len` bytes, whatever is lent already. Its content is unspecified (never another
    /// holder's plaintext).
    #[must_use]
    pub fn take(&self, len: usize) -> Buffer {
        self.lend(0..len, 0)
    }

    /// As [`take`](Self::take), `start` bytes behind a border: not for O_DIRECT.
    #[must_use]
    pub fn take_behind(&self, start: usize, len: usize) -> Buffer {
        self.lend(start..start + len, 0)
    }

    /// A buffer of `len` bytes for write-ahead, or `None` where the budget is spent: write what is
    /// held first. The charge ends when the buffer is dropped.
    #[must_use]
    pub fn take_ahead(&self, len: usize) -> Option<Buffer> {
        let charge = capacity_for(len);
        let budget = self.0.budget_bytes;
        let fits = |lent: usize| lent.checked_add(charge).filter(|sum| *sum <= budget);
        self.0.ahead.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).ok()?;
        Some(self.lend(0..len, charge))
    }

    /// Whether more than half of the budget is lent: then full blocks go to the disk at once, rather
    /// than wait for company.
    #[must_use]
    pub fn under_pressure(&self) -> bool {
        self.ahead_bytes() > self.0.budget_bytes / 2
    }

    /// What is lent as write-ahead now, in bytes.
    #[must_use]
    pub fn ahead_bytes(&self) -> usize {
        self.0.ahead.load(Ordering::Acquire)
    }

    /// What lies free in the pool now, in bytes.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.0.kept.load(Ordering::Acquire)
    }

    fn lend(&self, span: Range<usize>, charge: usize) -> Buffer {
        let capacity = capacity_for(span.end);
        let shelf = CLASSES.iter().position(|class| *class == capacity);
        let kept = shelf.and_then(|class| self.0.unshelve(class));
        let pages = kept.unwrap_or_else(|| {
            self.0.make_room();
            allocate(capacity)
        });
        let touched = span.end;
        Buffer { pages, span, touched, secret: true, charge, pool: Arc::clone(&self.0) }
    }
}

impl Pool {
    /// Takes clean memory back, or lets it go where enough is kept. Two at once may keep one too many.
    fn keep(&self, pages: Vec<Page>) {
        let bytes = pages.len() * PAGE_BYTES;
        let Some(class) = CLASSES.iter().position(|class| *class == bytes) else { return };
        if self.held() + bytes <= self.budget_bytes {
            // Before it lies there: whoever takes it from the shelf subtracts it at once.
            self.kept.fetch_add(bytes, Ordering::AcqRel);
            locked(&self.shelves[class]).push(pages);
        }
    }

    fn unshelve(&self, class: usize) -> Option<Vec<Page>> {
        let pages = locked(&self.shelves[class]).pop()?;
        self.kept.fetch_sub(CLASSES[class], Ordering::AcqRel);
        Some(pages)
    }

    /// Lets free memory go where write-ahead takes its place: it was kept for another size.
    fn make_room(&self) {
        for class in 0..CLASSES.len() {
            while self.held() > self.budget_bytes {
                if self.unshelve(class).is_none() {
                    break;
                }
            }
        }
    }

    fn held(&self) -> usize {
        self.kept.load(Ordering::Acquire) + self.ahead.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("budget_bytes", &self.budget_bytes)
            .field("ahead", &self.ahead)
            .finish_non_exhaustive()
    }
}

/// A page-aligned buffer on loan from a pool. Derefs to its bytes.
pub struct Buffer {
    pages: Vec<Page>,
    /// Its bytes among those of the pages.
    span: Range<usize>,
    /// The farthest end it ever had: what must be wiped.
    touched: usize,
    /// Whether it may hold what nobody else may see.
    secret: bool,
    /// Write-ahead bytes to give back.
    charge: usize,
    pool: Arc<Pool>,
}

impl Buffer {
    /// Its bytes; the same as dereferencing it.
    pub fn bytes(&mut self) -> &mut [u8] {
        self
    }

    /// The largest length that [`resize`](Self::resize) allows, in bytes.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.pages.len() * PAGE_BYTES - self.span.start
    }

    /// Sets the length; bytes beyond the old one are unspecified.
    ///
    /// # Panics
    /// Where `len` is beyond the capacity.
    pub fn resize(&mut self, len: usize) {
        assert!(len <= self.capacity(), "a buffer never grows beyond its capacity");
        self.span.end = self.span.start + len;
        self.touched = self.touched.max(self.span.end);
    }

    /// Declares that nothing but sealed bytes (or zeros) was ever written here, so that its memory
    /// need not be wiped. For a buffer that held plaintext for a moment, that means: only after
    /// every byte of it was overwritten by sealed ones.
    pub fn mark_sealed(&mut self) {
        self.secret = false;
    }

    /// Its bytes, to be shared; the memory goes back to the pool with the last share.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }

    /// Takes [`mark_sealed`](Self::mark_sealed) back, since its holder fills it again.
    pub(crate) fn unmark_sealed(&mut self) {
        self.secret = true;
    }

    /// Whether it is charged to the write-ahead budget.
    pub(crate) fn is_ahead(&self) -> bool {
        self.charge > 0
    }

    /// Overwrites all that a holder may have written.
    fn wipe(&mut self) {
        let all: &mut [u8] = bytemuck::cast_slice_mut(&mut self.pages);
        let touched = &mut all[..self.touched];
        touched.fill(0);
        // A barrier instead of volatile writes: those go word by word and would cost a GET a tenth.
        zeroize::optimization_barrier(touched);
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.pages)[self.span.clone()]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.pages)[self.span.clone()]
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.secret {
            self.wipe();
        }
        self.pool.ahead.fetch_sub(self.charge, Ordering::AcqRel);
        self.pool.keep(std::mem::take(&mut self.pages));
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.span.len()) // never its content
    }
}

/// How many bytes the block at `at` of `length` bytes has: [`BLOCK_BYTES`], or what is left.
pub(crate) fn block_at(at: u64, length: u64) -> usize {
    usize::try_from(length - at).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES))
}

/// The smallest class that fits `len`; beyond the classes, whole pages that are not pooled.
fn capacity_for(len: usize) -> usize {
    let class = CLASSES.into_iter().find(|class| *class >= len);
    class.unwrap_or_else(|| len.next_multiple_of(PAGE_BYTES))
}

fn allocate(bytes: usize) -> Vec<Page> {
    vec![Page([0; PAGE_BYTES]); bytes / PAGE_BYTES]
}

/// A shelf is a plain stack: no panic can leave it half changed, so poisoning says nothing.
fn locked<T>(shelf: &Mutex<T>) -> MutexGuard<'_, T> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn buffers_are_aligned_and_as_long_as_asked() {
        let pool = BufferPool::default();
        for len in [0, 1, 4096, 65_536, 65_537, 262_144, 262_400, 266_240, 266_241, 5 << 20] {
            let buffer = pool.take(len);
            assert_eq!(buffer.len(), len);
            assert_eq!(buffer.as_ptr() as usize % PAGE_BYTES, 0);
            assert!(buffer.capacity() >= len);
        }
    }

    #[test]
    fn memory_comes_back_and_is_wiped() {
        let pool = BufferPool::default();
        let mut first = pool.take(100);
        first.resize(5000);
        first.fill(7);
        first.resize(10);
        let memory = first.as_ptr();
        drop(first.into_bytes());
        let mut second = pool.take(65_536);
        assert_eq!(second.as_ptr(), memory, "the pool lends what came back last");
        assert!(second.iter().all(|byte| *byte == 0));
        second.fill(9);
        second.mark_sealed();
        drop(second);
        assert_eq!(pool.take(1)[0], 9, "sealed bytes are not wiped");
    }

    #[test]
    fn a_buffer_behind_a_border_is_as_long_as_asked_and_wiped() {
        let pool = BufferPool::default();
        let mut buffer = pool.take_behind(1_024, 100);
        assert_eq!((buffer.len(), buffer.as_ptr() as usize % PAGE_BYTES), (100, 1_024));
        assert_eq!(buffer.capacity(), 64 * 1_024 - 1_024);
        let whole = buffer.capacity();
        buffer.resize(whole);
        buffer.fill(7);
        buffer.resize(1);
        drop(buffer);
        let again = pool.take(65_536);
        assert_eq!(pool.kept_bytes(), 0, "the same memory");
        assert!(again.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn shared_bytes_hold_the_memory() {
        let pool = BufferPool::default();
        let mut buffer = pool.take(300);
        buffer.fill(3);
        let bytes = buffer.into_bytes();
        let tail = bytes.slice(290..);
        drop(bytes);
        assert_eq!(pool.kept_bytes(), 0);
        assert_eq!(&tail[..], [3; 10]);
        drop(tail);
        assert_eq!(pool.kept_bytes(), 65_536);
    }

    /// The count of what is kept may run ahead of the shelves, and never behind them: it would pass below zero.
    #[test]
    fn what_is_kept_is_counted_before_another_can_take_it() {
        const COUNTED_WITHIN: Duration = Duration::from_secs(10);
        let pool = BufferPool::default();
        let buffer = pool.take(1);
        let begun = Instant::now();
        std::thread::scope(|threads| {
            // While this is held nothing comes to lie on the shelf.
            let shelf = locked(&pool.0.shelves[0]);
            threads.spawn(move || drop(buffer));
            while pool.kept_bytes() == 0 && begun.elapsed() < COUNTED_WITHIN {
                std::thread::yield_now();
            }
            assert_eq!((pool.kept_bytes(), shelf.len()), (CLASSES[0], 0));
        });
        drop(pool.take(1));
        assert_eq!(pool.kept_bytes(), CLASSES[0]);
    }

    #[test]
    fn write_ahead_ends_with_the_budget_and_plain_loans_do_not() {
        let pool = BufferPool::new(1 << 20);
        let ahead: Vec<_> = std::iter::from_fn(|| pool.take_ahead(BLOCK_BYTES)).collect();
        assert_eq!(ahead.len(), 3);
        assert!(pool.under_pressure());
        let plain = pool.take(BLOCK_BYTES);
        assert!(!plain.is_ahead() && ahead[0].is_ahead());
        drop(ahead);
        assert_eq!(pool.ahead_bytes(), 0);
        assert!(pool.take_ahead(BLOCK_BYTES).is_some());
    }

    #[test]
    fn kept_memory_is_bounded() {
        let pool = BufferPool::new(1 << 20);
        let many: Vec<_> = (0..100).map(|_| pool.take(BLOCK_BYTES)).collect();
        drop(many);
        assert!(pool.kept_bytes() <= 1 << 20);
        drop(pool.take(10 << 20));
        assert!(pool.kept_bytes() <= 1 << 20, "odd sizes are not kept");
    }

    #[test]
    fn kept_memory_of_one_size_makes_room_for_write_ahead_of_another() {
        let pool = BufferPool::new(1 << 20);
        drop((0..16).map(|_| pool.take(1)).collect::<Vec<_>>());
        assert_eq!(pool.kept_bytes(), 1 << 20);
        let ahead: Vec<_> = std::iter::from_fn(|| pool.take_ahead(BLOCK_BYTES)).collect();
        assert_eq!(ahead.len(), 3);
        assert!(pool.kept_bytes() + pool.ahead_bytes() <= 1 << 20);
        drop(ahead);
        assert!(pool.kept_bytes() > 800_000 && pool.kept_bytes() <= 1 << 20);
    }

    #[test]
    fn debug_prints_no_content() {
        let mut buffer = BufferPool::default().take(3);
        buffer.copy_from_slice(b"abc");
        assert_eq!(format!("{buffer:?}"), "Buffer(3 bytes)");
    }
}
