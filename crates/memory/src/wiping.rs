//! Overwriting memory in a way that the compiler must not drop.
//!
//! Guarantees: after [`overwrite`] the bytes are zero, also when nothing reads them any more.
//!
//! Does not: reach copies in registers, in caches of other machines' hypervisors, or on a swap
//! device; the last is for the unit file to forbid.

use std::{ptr, slice};

/// Writes zeros over `bytes` bytes from `start`.
///
/// # Safety
/// `start` is not null and valid for reads and writes of `bytes` bytes, and nothing else reads or
/// writes them at the same time.
#[inline]
#[expect(unsafe_code, reason = "writes through a raw pointer")]
pub(crate) unsafe fn overwrite(start: *mut u8, bytes: usize) {
    if !is_on() {
        return;
    }
    // Not volatile byte by byte, which would cost twenty times as much: one plain memset, and then
    // a barrier (an empty piece of assembly that may read what it is given), so that the compiler
    // must have written the zeros by then.
    // SAFETY: the caller's promise; after the memset the bytes are initialised, and nobody else
    // writes them while the slice lives.
    unsafe {
        ptr::write_bytes(start, 0, bytes);
        zeroize::optimization_barrier(slice::from_raw_parts(start, bytes));
    }
}

/// Writes zeros over `bytes`.
#[expect(unsafe_code, reason = "calls what writes through a raw pointer")]
pub fn wipe_bytes(bytes: &mut [u8]) {
    // SAFETY: the bytes are borrowed alone, and zeros are bytes.
    unsafe { overwrite(bytes.as_mut_ptr(), bytes.len()) };
}

#[cfg(not(feature = "test-switch"))]
pub(crate) const fn is_on() -> bool {
    true
}

#[cfg(feature = "test-switch")]
pub(crate) use switch::is_on;
#[cfg(feature = "test-switch")]
pub use switch::{NO_WIPE_VARIABLE, disable_wiping_for_test};

/// A way to switch wiping off, so that the tests that look for secrets in memory can show that they
/// would find some. Compiled only for them.
#[cfg(feature = "test-switch")]
mod switch {
    use std::sync::atomic::{AtomicU8, Ordering};

    const ON: u8 = 0;
    const OFF: u8 = 1;

    // An atomic and not a lock or a cell that is filled lazily: the allocator reads it.
    static SWITCH: AtomicU8 = AtomicU8::new(ON);

    /// The environment variable by which the tests ask the server for [`disable_wiping_for_test`]:
    /// `1` means yes. This crate does not read it.
    pub const NO_WIPE_VARIABLE: &str = "STRONGROOM_TEST_NO_WIPE";

    /// From here on nothing in this process is wiped.
    pub fn disable_wiping_for_test() {
        SWITCH.store(OFF, Ordering::Relaxed);
    }

    pub(crate) fn is_on() -> bool {
        SWITCH.load(Ordering::Relaxed) == ON
    }
}
