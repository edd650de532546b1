//! Why the format is as it is.
//!
//! # Why a published body format
//!
//! Bodies are C2SP chunked encryption, instantiation Cobblestone-256. It has a specification,
//! vectors that we did not make, and implementations in several languages, so that a customer can
//! open an export without us. An own construction would have saved perhaps 0.07 % of space and cost
//! every reader the trust in it.
//!
//! # Why AES-256 and not AES-128
//!
//! S3's own name for the algorithm is `AES256`, and the customer's key has 32 bytes. A body under a
//! shorter key than the one that wraps it would surprise every auditor.
//!
//! # Why chunks of 16 KiB
//!
//! The body format fixes them. They bound what a range read opens beyond what was asked to 16 KiB
//! on each side, fit a core's first caches, and cost 16 bytes in 16,384. Larger chunks would be
//! some percent faster to seal in bulk.
//!
//! # Why HKDF with SHA-512
//!
//! The body format uses it, and one hash is less to review than two. On 64-bit machines it is no
//! slower than SHA-256 without hardware support, and one HMAC yields 64 bytes, so every key costs
//! one.
//!
//! # Why AES-GCM with nonce 0
//!
//! Under a key that seals exactly one thing, any nonce is as good as any other, and zero cannot be
//! drawn wrongly. What must be fresh is the salt of 24 or 32 bytes: far from any collision bound,
//! where 12 random nonce bytes under one long-lived key are not.
//!
//! # Why three keys in an envelope
//!
//! DEK belongs to the body and is shared by copies that re-wrap it. MK belongs to the version,
//! because metadata, unlike the body, may change with a copy. CK is what CompleteMultipartUpload
//! works with when no customer key is there: it can choose parts and open nothing. One key for all
//! three would have to be kept by the server while an upload is open.
//!
//! # Why part records are under DEK
//!
//! So that re-wrapping shares them with the body instead of resealing 10,000. `docs/decisions` has
//! the whole argument.
//!
//! # Why a verifier beside the wrap
//!
//! A wrap that fails to open could be a wrong key or a damaged disk, and S3 answers these 403 and
//! 5xx. V separates them, commits to the key, and is what AWS says that it stores.
//!
//! # Why the key's text is decoded so leniently
//!
//! Because AWS does: characters outside the alphabet are dropped, an incomplete last group too. A
//! client that works there works here. Nothing is lost: what was decoded must match its MD5 where
//! one is sent and must have 32 bytes.
//!
//! # Why an own encoding for facts
//!
//! The records are small, their readers face hostile bytes after the seal has been opened only by a
//! bug, and they must have one encoding each so that digests over them mean something. A page of
//! code does that; a serialization framework would bring its own ideas of defaults, unknown fields
//! and duplicates.
//!
//! # Why randomness is an argument
//!
//! So that tests can foresee it, the crate cannot draw it carelessly, and an auditor finds every
//! draw by the name of the parameter.
//!
//! # Why limits panic when sealing and are errors when opening
//!
//! What would not be read back must never be written: an object that seals and does not open is
//! lost. The caller has judged the client's input before; a breach is our bug. On opening, the same
//! breach is damage and somebody else's doing.
