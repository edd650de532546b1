//! The one crate where unsafe code may stand, and why each piece of it does.
//!
//! - [`allocator`]: an allocator is unsafe to write. Ours wipes what it frees, which reaches every
//!   copy of a secret that libraries make on the heap.
//! - [`heads`]: hyper's buffers outlive the requests read into them; a customer's key is overwritten
//!   there, behind the back of a type that means to share.
//! - [`lmdb`]: mapping a database file is unsafe by nature, since another program could write the
//!   file under the map. One function does it, with the proof.
//! - [`stack`]: the dead frames of functions that returned can be overwritten only as memory without
//!   a type.
//! - `wiping`: the overwriting itself, through a raw pointer and past the optimiser.
//!
//! Guarantees: nothing that this crate exports is unsafe to call. Every unsafe block carries its
//! proof, and every item that contains one is marked with the reason.
//!
//! Does not: hold policy. When to wipe and what is secret is decided by the crates that call.

pub mod allocator;
pub mod heads;
pub mod lmdb;
pub mod stack;
mod wiping;

pub use allocator::WipingAllocator;
pub use stack::{WipeStack, wipe_stack};
pub use wiping::wipe_bytes;
#[cfg(feature = "test-switch")]
pub use wiping::{NO_WIPE_VARIABLE, disable_wiping_for_test};
