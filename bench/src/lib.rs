//! A whole service in one process, for measuring: the embedded catalog, blobs in files, the protocol on
//! top; no network and no TLS.
//!
//! Guarantees: time stands and randomness counts, so that two runs execute the same instructions as far
//! as threads allow; storage is what a server uses, synced as there.
//! Does not: serve anybody. Its keys are public.

mod requests;
mod world;

pub use requests::{NOW_SECONDS, REGION, SECRET, TRIO, Workload, get_signed_in_header};
pub use world::{Counting, World};

/// What the server's binary installs, since wiping is a part of what a request costs.
#[global_allocator]
static ALLOCATOR: memory::WipingAllocator<mimalloc::MiMalloc> =
    memory::WipingAllocator::new(mimalloc::MiMalloc);
