//! What Ceph's object gateway does otherwise than AWS, for applications that were written against it.
//!
//! Guarantees: [`REWORDED`] changes a refusal's code and with it the status, and never whether there is
//! one; each of the methods says what is taken or answered instead. None of them touches signatures,
//! the checks of customer keys, permissions or what is stored; where something is ignored here that
//! AWS refuses, the object is held no weaker than the request asked.
//! Does not: follow the gateway where its way is a weaker check, or where its clients cannot tell.
//!
//! Sources: a gateway of release 16 that was asked ("asked" in docs/semantics.md, "Profile ceph"), or the
//! S3 tests of the Ceph project where that release does not have the feature yet.

use super::Profile;
use crate::{
    body::ChecksumAlgorithm,
    error::{ErrorCode, S3Error, sse_c},
};

/// A refusal in AWS's words, and what Ceph calls it.
struct Reworded {
    ours: ErrorCode,
    known_by: KnownBy,
    theirs: ErrorCode,
}

/// What tells a refusal from others of the same code.
enum KnownBy {
    /// Nothing else has the code.
    Code,
    /// How its message begins.
    Message(&'static str),
    /// It is about this kind of thing (`ResourceType`).
    Resource(&'static str),
    /// It is [`sse_c::wrong_key`].
    WrongKey,
    /// It is about the value of a checksum that is not one.
    ChecksumValue,
}

const fn row(ours: ErrorCode, known_by: KnownBy, theirs: ErrorCode) -> Reworded {
    Reworded { ours, known_by, theirs }
}

/// In the order of our codes.
const REWORDED: &[Reworded] = &[
    // A read under another key. Asked.
    row(ErrorCode::AccessDenied, KnownBy::WrongKey, ErrorCode::InvalidArgument),
    // A presigned life that is none. Asked.
    row(
        ErrorCode::AuthorizationQueryParametersError,
        KnownBy::Message("X-Amz-Expires "),
        ErrorCode::AccessDenied,
    ),
    // An eleventh tag. Asked.
    row(
        ErrorCode::BadRequest,
        KnownBy::Message("Object tags cannot be greater than"),
        ErrorCode::InvalidTag,
    ),
    // A default retention of no days, or years. Asked.
    row(
        ErrorCode::InvalidArgument,
        KnownBy::Message("Default retention period must be a positive integer value."),
        ErrorCode::InvalidRetentionPeriod,
    ),
    // A part copied from beyond its source's end. Asked.
    row(
        ErrorCode::InvalidArgument,
        KnownBy::Message("Range specified is not valid for source object of size"),
        ErrorCode::InvalidRange,
    ),
    // An owner that is expected and is no account's id. Ceph's tests.
    row(ErrorCode::InvalidBucketOwnerAWSAccountID, KnownBy::Code, ErrorCode::AccessDenied),
    // A part that the object does not have. Ceph's tests.
    row(ErrorCode::InvalidPartNumber, KnownBy::Code, ErrorCode::InvalidPart),
    // A part copied from a range that begins beyond its source's end. Asked.
    row(
        ErrorCode::InvalidRequest,
        KnownBy::Message("The specified copy range is invalid for the source object size"),
        ErrorCode::InvalidRange,
    ),
    // A checksum that is no value of its algorithm. Ceph's tests.
    row(ErrorCode::InvalidRequest, KnownBy::ChecksumValue, ErrorCode::BadDigest),
    // A completion without a list. Asked.
    row(
        ErrorCode::InvalidRequest,
        KnownBy::Message("You must specify at least one part"),
        ErrorCode::MalformedXML,
    ),
    // A torrent, where none are made. Ceph's tests.
    row(ErrorCode::MethodNotAllowed, KnownBy::Resource("TORRENT"), ErrorCode::NoSuchKey),
];

impl Reworded {
    fn is_of(&self, error: &S3Error) -> bool {
        if error.code() != self.ours {
            return false;
        }
        match self.known_by {
            KnownBy::Code => true,
            KnownBy::Message(start) => error.message().starts_with(start),
            KnownBy::Resource(kind) => {
                error.elements().iter().any(|(name, text)| *name == "ResourceType" && text == kind)
            }
            KnownBy::WrongKey => error.message() == sse_c::wrong_key().message(),
            KnownBy::ChecksumValue => ChecksumAlgorithm::ALL.iter().any(|algorithm| {
                let name = algorithm.header_name();
                [
                    format!("Value for {name} header is invalid."),
                    format!("Value for {name} trailing header is invalid."),
                ]
                .iter()
                .any(|message| error.message() == message)
            }),
        }
    }
}

impl Profile {
    /// A refusal as the profile has it.
    pub(crate) fn worded(self, error: S3Error) -> S3Error {
        match REWORDED.iter().find(|row| self == Self::Ceph && row.is_of(&error)) {
            Some(row) => error.recoded(row.theirs),
            None => error,
        }
    }

    /// Whether a composite checksum is composed of parts whose checksums the completion does not repeat. Ceph's
    /// tests.
    pub(crate) fn composes_parts_unlisted(self) -> bool {
        self == Self::Ceph
    }

    /// Whether GetObjectAttributes shows a composite checksum with its number of parts, as headers do. Ceph's
    /// tests.
    pub(crate) fn counts_parts_in_attributes(self) -> bool {
        self == Self::Ceph
    }

    /// Whether GetBucketEncryption shows the default where nothing was set; else it is 404.
    pub(crate) fn shows_default_encryption(self) -> bool {
        self != Self::Ceph
    }

    /// Whether GetBucketPolicyStatus speaks of the bucket, so that a public ACL counts and no policy is needed;
    /// else it speaks of the policy.
    pub(crate) fn counts_acl_as_policy_status(self) -> bool {
        self == Self::Ceph
    }

    /// Whether a bucket made again by its owner keeps its ACL, and is 409 when asked for another; AWS
    /// sets the ACL anew in us-east-1, and refuses in other regions.
    pub(crate) fn keeps_acl_of_bucket_made_again(self) -> bool {
        self == Self::Ceph
    }

    /// Whether GetBucketLocation names us-east-1 too, which AWS says by saying nothing.
    pub(crate) fn names_classic_region(self) -> bool {
        self == Self::Ceph
    }

    /// Whether an empty continuation token of ListObjectsV2 means none.
    pub(crate) fn takes_empty_token(self) -> bool {
        self == Self::Ceph
    }

    /// Whether `encoding-type=url` is about the Prefix that ListObjects repeats, too.
    pub(crate) fn encodes_repeated_prefix(self) -> bool {
        self != Self::Ceph
    }

    /// Whether a read of a key that is not there says that no delete marker stands there.
    pub(crate) fn tells_of_no_delete_marker(self) -> bool {
        self == Self::Ceph
    }

    /// Whether `aws:kms` without a key's id means the default key; else it is 400.
    pub(crate) fn has_default_named_key(self) -> bool {
        self != Self::Ceph
    }

    /// Whether a listing repeats `start-after` also beside the token that it is continued by.
    pub(crate) fn repeats_start_after(self) -> bool {
        self == Self::Ceph
    }

    /// Whether a write may ask for any object to be there (`If-Match: *`).
    pub(crate) fn takes_match_of_anything(self) -> bool {
        self == Self::Ceph
    }

    /// Whether a part may repeat the encryption of its upload (`aws:kms` or `AES256`). Which named key it
    /// says is ignored: the upload's seals every part.
    pub(crate) fn takes_encryption_of_part(self) -> bool {
        self == Self::Ceph
    }

    /// Whether a list of parts may have one several times in a row, of which the last counts.
    pub(crate) fn takes_part_listed_again(self) -> bool {
        self == Self::Ceph
    }

    /// Whether a bucket policy may have statements whose actions fit none of their resources, and which
    /// therefore say nothing.
    pub(crate) fn takes_idle_statements(self) -> bool {
        self == Self::Ceph
    }

    /// Whether the Filter of a lifecycle rule may have several predicates without an And; all of them must
    /// hold.
    pub(crate) fn takes_filter_without_and(self) -> bool {
        self == Self::Ceph
    }

    /// Whether a form's policy may say "begins with anything" of a field that the form does not have.
    pub(crate) fn takes_absent_field_as_empty(self) -> bool {
        self == Self::Ceph
    }

    /// Whether a form may have a checksum of its file that its policy does not name: it lets less in.
    pub(crate) fn takes_unnamed_checksum(self) -> bool {
        self == Self::Ceph
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(profile: Profile, error: S3Error) -> (u16, &'static str) {
        let error = profile.worded(error);
        (error.status().as_u16(), error.code().as_str())
    }

    #[test]
    fn a_refusal_stays_one_and_is_reworded_under_ceph_alone() {
        for row in REWORDED {
            assert_ne!(row.ours, row.theirs);
            assert!(row.theirs.status().is_client_error(), "{}", row.theirs.as_str());
        }
        let ours = REWORDED.iter().map(|row| row.ours.as_str());
        assert!(ours.is_sorted());
        for profile in Profile::ALL {
            let other = if profile == Profile::Ceph { 400 } else { 403 };
            assert_eq!(under(profile, sse_c::wrong_key()).0, other, "{profile:?}");
        }
    }

    #[test]
    fn what_only_has_the_code_of_a_row_is_left_alone() {
        let denied = S3Error::new(ErrorCode::AccessDenied);
        assert_eq!(under(Profile::Ceph, denied), (403, "AccessDenied"));
        let key = sse_c::key_required();
        assert_eq!(under(Profile::Ceph, key), (400, "InvalidRequest"));
        let kind = "Value for x-amz-checksum-type header is invalid.";
        let kind = S3Error::with_message(ErrorCode::InvalidRequest, kind);
        assert_eq!(under(Profile::Ceph, kind), (400, "InvalidRequest"));
    }
}
