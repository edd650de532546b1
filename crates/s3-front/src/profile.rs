//! Whose ways are followed where S3 services differ: about customer keys, and what Ceph does otherwise.
//!
//! Guarantees: all that differs is a method here or in `ceph`, so that a reader sees it at once; no other place
//! asks for a profile by name. In every profile a key that was meant is a key that is demanded: an
//! algorithm without a key is refused, a part without its upload's key is refused, a key header over
//! plain HTTP is refused, and so is a key header in a spelling that the profile does not take.
//! Does not: change how anything is stored. ETags stay random and the algorithm is compared exactly
//! whatever the profile, so data written under one is read under another.

mod ceph;

use sealed_format::Md5Rule;

use crate::{
    error::{ErrorCode, S3Error, sse_c},
    key_names::{AMZ, KeyNames, OBS},
};

/// Whose ways are followed where S3 services differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Amazon S3.
    #[default]
    Aws,
    /// OVHcloud Object Storage.
    Ovh,
    /// IBM Cloud Object Storage.
    Ibm,
    /// Huawei Cloud Object Storage Service.
    Obs,
    /// The object gateway of Ceph.
    Ceph,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 5] = [Self::Aws, Self::Ovh, Self::Ibm, Self::Obs, Self::Ceph];

    /// What is asked of a key's MD5 where something is written.
    pub(crate) fn md5_on_write(self) -> Md5Rule {
        match self {
            Self::Aws | Self::Ibm | Self::Obs | Self::Ceph => Md5Rule::Required,
            Self::Ovh => Md5Rule::OptionalOrGuide,
        }
    }

    /// What is asked of a key's MD5 where something is read, or copied from.
    pub(crate) fn md5_on_read(self) -> Md5Rule {
        match self {
            Self::Aws | Self::Ceph => Md5Rule::Optional,
            Self::Ovh => Md5Rule::OptionalOrGuide,
            Self::Ibm | Self::Obs => Md5Rule::Required,
        }
    }

    /// The spellings of the key headers that are taken.
    pub(crate) fn key_names(self) -> &'static [&'static KeyNames] {
        match self {
            Self::Aws | Self::Ovh | Self::Ibm | Self::Ceph => &[&AMZ],
            Self::Obs => &[&AMZ, &OBS],
        }
    }

    /// Whether answers about an object under a customer's key say `x-amz-server-side-encryption` too.
    pub(crate) fn names_encryption_beside_key(self) -> bool {
        self == Self::Ovh
    }

    /// A key or its MD5 came without an algorithm (E2).
    pub(crate) fn missing_algorithm(self) -> S3Error {
        match self {
            Self::Ovh => {
                bad_request("Missing X-Amz-Server-Side-Encryption-Customer-Algorithm header")
            }
            Self::Aws | Self::Ibm | Self::Obs | Self::Ceph => sse_c::missing_algorithm(),
        }
    }

    /// A key is no base64 of a key; `aws` is what AWS says of it (E4, E5, E9).
    pub(crate) fn malformed_key(self, aws: S3Error) -> S3Error {
        self.refuses_length_everywhere().unwrap_or(aws)
    }

    /// The refusal of a key of another length than 32 bytes wherever it comes, or `None` where only
    /// what begins an object has a word for it and all else takes it for a wrong key (E9g, E9p).
    pub(crate) fn refuses_length_everywhere(self) -> Option<S3Error> {
        match self {
            Self::Ovh => Some(bad_request(
                "X-Amz-Server-Side-Encryption-Customer-Key header must be a base64 encoding of exactly 32 raw bytes",
            )),
            Self::Aws | Self::Ibm | Self::Obs | Self::Ceph => None,
        }
    }

    /// An object under a customer's key was asked for without it (E11).
    pub(crate) fn key_required(self) -> S3Error {
        match self {
            Self::Ovh => bad_request("Missing X-Amz-Server-Side-Encryption-Customer-Key header"),
            Self::Aws | Self::Ibm | Self::Obs | Self::Ceph => sse_c::key_required(),
        }
    }
}

/// As the others, it closes: a body that nobody will read may be on its way.
fn bad_request(message: &'static str) -> S3Error {
    S3Error::with_message(ErrorCode::BadRequest, message).closing()
}
