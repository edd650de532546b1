//! An allocator that wipes what it frees.
//!
//! Secrets pass through memory that no destructor of ours ever sees: buffers of the HTTP and TLS
//! libraries, strings that grew and were copied, futures that were boxed. All of it is freed through
//! the global allocator, so wiping stands there.
//!
//! Guarantees: the bytes of every allocation that is freed or grown are overwritten with zeros
//! before the inner allocator may hand them out again, whatever their size; the compiler cannot
//! drop the writes.
//!
//! Does not: reach what C code allocates by itself (LMDB's pages: sealed bytes only), the stack (see
//! [`crate::stack`]), or memory that is still in use.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;

use crate::wiping;

/// Wraps an allocator. Install it with `#[global_allocator]`.
#[derive(Debug, Default)]
pub struct WipingAllocator<A> {
    inner: A,
}

impl<A> WipingAllocator<A> {
    /// Wipes what is freed to `inner`.
    pub const fn new(inner: A) -> Self {
        Self { inner }
    }
}

// SAFETY: every method hands its arguments to the same method of `inner`, which upholds the
// contract of `GlobalAlloc`, and returns what that returned. What is added, per method:
// - `dealloc` writes zeros into the block first. The caller gives up a block that it owns and that
//   is `layout.size()` bytes long, so the writes are within it and nothing may read it any more.
// - `realloc` is built of `alloc` and `dealloc` as the trait's default is. If no new block is to be
//   had, the old one is left as it was, as the contract demands.
// Nothing here allocates, unwinds or blocks.
#[expect(
    unsafe_code,
    reason = "an allocator deals in raw memory: the trait is unsafe to implement"
)]
unsafe impl<A: GlobalAlloc> GlobalAlloc for WipingAllocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises (a size that is not zero) are those that `inner` demands.
        unsafe { self.inner.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`. Not left to the trait's default, which would write zeros over
        // pages that the operating system has just zeroed.
        unsafe { self.inner.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `block` is a live block of this `layout`, and gives it up.
        unsafe {
            wiping::overwrite(block, layout.size());
            self.inner.dealloc(block, layout);
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !wiping::is_on() {
            // SAFETY: the caller's promises are those that `inner` demands.
            return unsafe { self.inner.realloc(block, layout, new_size) };
        }
        // The inner allocator could move the block and free the old one without wiping it.
        // SAFETY: the caller promises that `new_size` is not zero and, rounded up to the alignment,
        // does not overflow `isize`, which is what a layout demands.
        let grown = unsafe {
            let grown_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            self.alloc(grown_layout)
        };
        if !grown.is_null() {
            // SAFETY: both blocks are live and distinct, and the count is within both. The old one
            // is the caller's to give up, of this `layout`.
            unsafe {
                ptr::copy_nonoverlapping(block, grown, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
        }
        grown
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;
    use std::cell::UnsafeCell;

    use super::*;

    const SECRET: &[u8] = b"a secret that must not outlive its block";

    /// Hands out pieces of one area, in order, and never reuses them: what was freed stays visible.
    struct Area(UnsafeCell<Blocks>);

    #[repr(C, align(16))]
    struct Blocks {
        bytes: [u8; 4_096],
        used: usize,
    }

    // SAFETY: these tests use an area on one thread each.
    #[expect(unsafe_code, reason = "a test allocator")]
    unsafe impl GlobalAlloc for Area {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: one thread, and no reference into the area lives beyond this line.
            let Blocks { bytes, used } = unsafe { &mut *self.0.get() };
            let start = used.next_multiple_of(layout.align());
            if start + layout.size() > bytes.len() {
                return ptr::null_mut();
            }
            *used = start + layout.size();
            bytes[start..].as_mut_ptr()
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    fn area() -> WipingAllocator<Area> {
        WipingAllocator::new(Area(UnsafeCell::new(Blocks { bytes: [0; 4_096], used: 0 })))
    }

    #[expect(unsafe_code, reason = "a test looks at freed memory")]
    fn holds_secret(allocator: &WipingAllocator<Area>) -> usize {
        // SAFETY: the area outlives its blocks, and nothing else looks at it now.
        let Blocks { bytes, .. } = unsafe { &*allocator.inner.0.get() };
        bytes.windows(SECRET.len()).filter(|window| *window == SECRET).count()
    }

    #[expect(unsafe_code, reason = "a test allocates by hand")]
    fn with_secret(allocator: &WipingAllocator<Area>, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is not empty, and the block is at least as long as the secret.
        unsafe {
            let block = allocator.alloc(layout);
            ptr::copy_nonoverlapping(SECRET.as_ptr(), block, SECRET.len());
            block
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "a test allocates by hand")]
    fn a_freed_secret_is_gone() {
        let allocator = area();
        let layout = Layout::array::<u8>(SECRET.len()).unwrap();
        let block = with_secret(&allocator, layout);
        assert_eq!(holds_secret(&allocator), 1);
        // SAFETY: the block was allocated here with this layout, and is not used any more.
        unsafe { allocator.dealloc(block, layout) };
        assert_eq!(holds_secret(&allocator), 0);
    }

    #[test]
    #[expect(unsafe_code, reason = "a test allocates by hand")]
    fn a_secret_that_grows_or_shrinks_stays_in_one_place() {
        for new_size in [SECRET.len(), SECRET.len() + 1, 2_000] {
            let allocator = area();
            let layout = Layout::from_size_align(1_000, 16).unwrap();
            let block = with_secret(&allocator, layout);
            // SAFETY: the block was allocated here with this layout; the new size is not zero.
            let moved = unsafe { allocator.realloc(block, layout, new_size) };
            assert_ne!(block, moved);
            assert_eq!(moved.align_offset(16), 0);
            assert_eq!(holds_secret(&allocator), 1, "to {new_size}");
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "a test allocates by hand")]
    fn a_block_that_cannot_grow_is_left_as_it_was() {
        let allocator = area();
        let layout = Layout::array::<u8>(100).unwrap();
        let block = with_secret(&allocator, layout);
        // SAFETY: the block was allocated here with this layout; the new size is not zero.
        assert!(unsafe { allocator.realloc(block, layout, 1 << 20) }.is_null());
        assert_eq!(holds_secret(&allocator), 1);
    }

    #[test]
    #[expect(unsafe_code, reason = "a test allocates by hand")]
    fn a_zeroed_block_is_zero() {
        let allocator = WipingAllocator::new(System);
        let layout = Layout::array::<u8>(10_000).unwrap();
        // SAFETY: the layout is not empty; the block is read within its length, and then freed.
        unsafe {
            let block = allocator.alloc_zeroed(layout);
            assert!(std::slice::from_raw_parts(block, 10_000).iter().all(|byte| *byte == 0));
            allocator.dealloc(block, layout);
        }
    }
}
