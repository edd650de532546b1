//! The envelope: a version's secrets, wrapped under its holder's key and bound to its place.
//!
//! ```text
//! offset  length
//!      0       1   format          0x01
//!      1       1   suite           0x01
//!      2       1   kind of holder  0x01 customer, 0x02 server, 0x03 kms
//!      3      32   wrap_salt       random, new at every wrap
//!     35      32   V               HKDF-Expand(PRK, "verify" || ctx, 32)
//!     67     112   wrapped         AES-256-GCM(KEK, nonce 0, DEK || MK || CK,
//!                                           aad = ctx || "wrap" || V)
//!    179
//! ```
//!
//! Guarantees: a wrong key is told from V alone, in constant time and before any data is read; V
//! commits to the key and the whole context, so one envelope opens under one key only; anything
//! else that was changed is [`UnwrapError::Damaged`].
//!
//! What can never change: the three leading bytes, so that every later reader can refuse what it
//! does not know.

use subtle::ConstantTimeEq;

use crate::context::{HolderKind, ObjectContext, SUITE};
use crate::error::{Damaged, UnwrapError};
use crate::gcm::{Gcm, SINGLE_USE_NONCE, TAG_BYTES};
use crate::key_schedule::{CompletionKey, DataKey, HolderKey, MetadataKey, ObjectSecrets};
use crate::primitives::{KEY_BYTES, Prk};
use crate::randomness::{Randomness, salt};
use crate::secret::Secret;

const FORMAT: u8 = 1;
const SALT_AT: usize = 3;
const VERIFIER_AT: usize = SALT_AT + 32;
const WRAPPED_AT: usize = VERIFIER_AT + 32;
const SECRETS_BYTES: usize = 3 * KEY_BYTES;

/// The length of every envelope.
pub const ENVELOPE_BYTES: usize = WRAPPED_AT + SECRETS_BYTES + TAG_BYTES;
const _: () = assert!(ENVELOPE_BYTES == 179);

/// Wraps `secrets` for `context` under the holder's key, with a fresh salt.
///
/// # Panics
/// If the kind of `key` is not the one that `context` names: that is a mistake of the caller.
pub fn wrap(
    key: HolderKey<'_>,
    context: &ObjectContext<'_>,
    secrets: &ObjectSecrets,
    random: &dyn Randomness,
) -> Vec<u8> {
    assert_eq!(key.kind(), context.holder, "the wrapping key is of the holder's kind");
    let wrap_salt = salt::<32>(random);
    let keys = WrapKeys::derive(&key.extract(&wrap_salt), context);
    let mut plain = Secret::<SECRETS_BYTES>::unwitnessed();
    let (data, rest) = plain.expose_mut().split_at_mut(KEY_BYTES);
    let (metadata, completion) = rest.split_at_mut(KEY_BYTES);
    data.copy_from_slice(secrets.data.expose());
    metadata.copy_from_slice(secrets.metadata.expose());
    completion.copy_from_slice(secrets.completion.expose());

    let mut envelope = vec![0; ENVELOPE_BYTES];
    envelope[..SALT_AT].copy_from_slice(&[FORMAT, SUITE, context.holder as u8]);
    envelope[SALT_AT..VERIFIER_AT].copy_from_slice(&wrap_salt);
    envelope[VERIFIER_AT..WRAPPED_AT].copy_from_slice(&keys.verifier);
    let wrapped = &mut envelope[WRAPPED_AT..];
    Gcm::new(keys.kek.expose()).seal(SINGLE_USE_NONCE, &keys.aad, plain.expose(), wrapped);
    envelope
}

/// Opens an envelope for `context` under the holder's key.
///
/// # Errors
/// [`UnwrapError::WrongKey`] if only the verifier differs: the client must bring another key.
/// [`UnwrapError::Damaged`] if the envelope is not one of this format for this kind of holder, or
/// its wrap does not authenticate.
pub fn unwrap(
    key: HolderKey<'_>,
    context: &ObjectContext<'_>,
    envelope: &[u8],
) -> Result<ObjectSecrets, UnwrapError> {
    let parts = Fields::parse(envelope)?;
    if parts.holder != context.holder || parts.holder != key.kind() {
        return Err(UnwrapError::Damaged("the envelope is of another kind of holder"));
    }
    let keys = WrapKeys::derive(&key.extract(parts.wrap_salt), context);
    if !bool::from(keys.verifier.ct_eq(parts.verifier)) {
        return Err(UnwrapError::WrongKey);
    }
    let mut plain = Secret::<SECRETS_BYTES>::unwitnessed();
    Gcm::new(keys.kek.expose())
        .open(SINGLE_USE_NONCE, &keys.aad, parts.wrapped, plain.expose_mut())
        .map_err(|_| UnwrapError::Damaged("the wrap does not authenticate"))?;
    let (data, rest) = plain.expose().split_at(KEY_BYTES);
    let (metadata, completion) = rest.split_at(KEY_BYTES);
    Ok(ObjectSecrets {
        data: DataKey::filled_by(|out| out.copy_from_slice(data)),
        metadata: MetadataKey::filled_by(|out| out.copy_from_slice(metadata)),
        completion: CompletionKey::filled_by(|out| out.copy_from_slice(completion)),
    })
}

/// What one PRK and one context give.
struct WrapKeys {
    verifier: [u8; 32],
    kek: Secret<KEY_BYTES>,
    /// `ctx || "wrap" || V`
    aad: Vec<u8>,
}

impl WrapKeys {
    fn derive(prk: &Prk, context: &ObjectContext<'_>) -> Self {
        let verifier = prk.expand_public(&mut context.encode_after(b"verify"));
        let mut info = context.encode_after(b"wrap");
        let kek = prk.expand_key("kek", &mut info);
        let mut aad = info.split_off(b"wrap".len());
        aad.extend_from_slice(b"wrap");
        aad.extend_from_slice(&verifier);
        Self { verifier, kek, aad }
    }
}

/// An envelope taken apart. Nothing in it is verified yet.
struct Fields<'a> {
    holder: HolderKind,
    wrap_salt: &'a [u8; 32],
    verifier: &'a [u8],
    wrapped: &'a [u8],
}

impl<'a> Fields<'a> {
    fn parse(envelope: &'a [u8]) -> Result<Self, Damaged> {
        let envelope: &[u8; ENVELOPE_BYTES] =
            envelope.try_into().map_err(|_| Damaged("the envelope has another length"))?;
        if envelope[0] != FORMAT {
            return Err(Damaged("the envelope's format is unknown"));
        }
        if envelope[1] != SUITE {
            return Err(Damaged("the envelope's suite is unknown"));
        }
        let holder = HolderKind::from_byte(envelope[2])
            .ok_or(Damaged("the envelope's kind of holder is unknown"))?;
        let wrap_salt = envelope[SALT_AT..VERIFIER_AT].try_into().expect("32 bytes by constants");
        let (verifier, wrapped) = envelope[VERIFIER_AT..].split_at(32);
        Ok(Self { holder, wrap_salt, verifier, wrapped })
    }
}
