//! Mistakes that object stores have made with customer-provided keys, by class, and what stops each
//! here.
//!
//! All of them were found in published source, advisories or issue threads. What matters is the
//! class: each has been made more than once, by careful people.
//!
//! # The same key and nonce twice
//!
//! *A part's key derived from the object's key and the part number, its nonce from upload and part:
//! uploading the part again with other bytes encrypts two plaintexts under one key and nonce.*
//! Whoever keeps both ciphertexts (a snapshot, a replica, a stale shard) has the XOR of the
//! plaintexts and, for GCM, the authentication key. This was made three times, independently.
//! Random prefixes that are too short for the number of blocks under one key are the same mistake
//! in slow motion.
//!
//! *Here:* [`PartSealer::new`](crate::PartSealer::new) draws a 24-byte salt at every attempt and
//! derives key and nonces from it; the sealer counts its own chunks and is consumed by the last. A
//! retry towards a backend resends ciphertext. Wraps and seals have a key each. A test seals the
//! same part a thousand times and demands that no block repeats.
//!
//! # Encryption without authentication
//!
//! *CBC with a constant IV, CTR without a MAC: bits flip silently, equal plaintexts show, short
//! tails share a key stream.*
//!
//! *Here:* there is one cipher, AES-256-GCM, and no way to obtain plaintext around its tag.
//!
//! # Chunks that are authentic, in a body that is not
//!
//! *Blocks sealed one by one but not bound to their place: they can be reordered, repeated, dropped
//! from the end, or moved from part to part. An end marker outside the authentication; an end of
//! file at a block's border taken for the end.*
//!
//! *Here:* the chunk's number is in its nonce; the last chunk is always shorter than a full one;
//! the part number, the body and the attempt are in its key; the length of each part, their order
//! and their sum are sealed facts, compared before the first byte is answered.
//!
//! # A body that opens somewhere else
//!
//! *A wrapped key not bound to its object, so that whoever moves files exchanges objects; bound to
//! bucket and name but not to the version; bound to inputs that are concatenated without lengths,
//! so that different places give equal bytes.*
//!
//! *Here:* [`ObjectContext`](crate::ObjectContext) names kind of holder, bucket, object key,
//! version and body, each with its length, and goes into the verifier, the wrapping key and the
//! associated data.
//!
//! # The customer's key as the data key
//!
//! *Data encrypted directly under the customer's key: its use accumulates over all objects,
//! rotation means rewriting everything, and one flaw in one object's encryption endangers all.*
//!
//! *Here:* it goes into HKDF with a fresh salt and wraps three random keys, once.
//!
//! # A stored digest of the key
//!
//! *The key's plain MD5 in the metadata, as the check: it links all objects of one key, can be
//! looked up in tables, and is compared byte by byte. Where it was absent, the comparison was
//! skipped and garbage was answered with 200.*
//!
//! *Here:* the verifier is salted, bound to the place, compared in constant time, and not optional.
//! The MD5 that S3 asks for is answered to its sender and never stored.
//!
//! # A key that is not checked because nothing had to be decrypted
//!
//! *Objects of zero bytes, HEAD, attributes, copy sources: answered without looking at the key.*
//!
//! *Here:* an empty body is one sealed empty chunk, and [`unwrap`](crate::unwrap) needs no data at
//! all, so every operation can ask the same question first.
//!
//! # One ciphertext, two keys
//!
//! *AEADs such as GCM do not commit: a ciphertext can be made that opens under two keys to two
//! plaintexts, and a server that answers differently becomes an oracle for guesses of many keys at
//! once.*
//!
//! *Here:* the verifier commits to the customer's key, and the 32-byte commitment in each part
//! header to the body's.
//!
//! # Headers that were half understood
//!
//! *An empty header taken for an absent one, an algorithm without a key taken for a wish for no
//! encryption: the object is stored in plaintext, with 200.* This too was made several times, once
//! on purpose.
//!
//! *Here:* [`KeyHeaders::parse`](crate::KeyHeaders::parse) returns no key only if none of the three
//! is present; anything else is a key or an error.
//!
//! # The key in the log
//!
//! *The signed request is logged for debugging, and the key is one of its headers. Metadata printed
//! by a derived `Debug`.*
//!
//! *Here:* nothing that holds a secret prints it, and nothing that holds metadata prints more than
//! counts. What the protocol layer does with raw headers is its own duty.
//!
//! # Copies in memory
//!
//! *A key type that is `Copy`, a `String` from the header parser, a formatted error: each leaves
//! bytes that nobody wipes.*
//!
//! *Here:* base64 decodes into the boxed key, moves copy a pointer, and every stage is wiped on
//! drop. A test build writes every secret to a file so that a test can search the memory of the
//! whole process for it.
//!
//! # Plaintext released before it was verified
//!
//! *A stream that hands on what it decrypts and reports the failed tag at the end.*
//!
//! *Here:* the unit is a chunk of 16 KiB; [`PartOpener::open_chunk`](crate::PartOpener::open_chunk)
//! returns it verified, or wipes it and returns nothing.
//!
//! # The part list as a hint
//!
//! *Part sizes and order in unauthenticated metadata; physical instead of plaintext sizes; the list
//! decided by whoever writes the catalog.*
//!
//! *Here:* the version's seal holds a digest over each run of parts with their plaintext lengths
//! and the offset where the run begins.
