//! What CompleteMultipartUpload may promise about the whole object: its size, its checksum and the type of that.
//!
//! Guarantees: a promise is checked before the commit, on the very parts that will be committed (their
//! ETags are compared again there), or the request is refused. One alone is ignored, as on AWS: a checksum
//! that an upload without a chosen algorithm cannot have.
//! Does not: check part checksums; the store does.

use crc_fast::CrcAlgorithm;
use object_engine::{
    error::EngineError,
    model::{Upload, UploadedPart},
};
use sealed_format::Checksum;
use sealed_store::{ChosenChecksum, UnlockedUpload};

use crate::{
    body::{BodyError, ChecksumAlgorithm, ChecksumKind},
    error::{ErrorCode, S3Error, S3Result, sse_c},
    limits::LIST_PAGE_MAX,
    request::{
        checksum::{self, from_format},
        head::Head,
    },
    service::Call,
};

const SIZE: &str = "x-amz-mp-object-size";

/// The promises of one request.
pub(super) struct Promises {
    size: Option<u64>,
    checksum: Option<Promised>,
    kind: Option<ChecksumKind>,
}

/// A checksum of the whole object.
struct Promised {
    algorithm: ChecksumAlgorithm,
    value: Vec<u8>,
    /// Of a composite checksum, as its text says behind a dash: how many parts it is made of.
    parts: Option<u32>,
}

impl Promised {
    /// Whether the upload becomes an object with a checksum that this could be: any where an algorithm was
    /// chosen, which must be this one, else the CRC64NVME of the whole.
    fn is_about(&self, upload: &Upload) -> bool {
        let is_default = self.algorithm == ChecksumAlgorithm::Crc64Nvme && self.parts.is_none();
        upload.checksum.is_some() || is_default
    }

    fn parse(algorithm: ChecksumAlgorithm, text: &str) -> Option<Self> {
        let (value, parts) = match text.split_once('-') {
            None => (text, None),
            Some((value, parts)) => (value, Some(parts.parse().ok()?)),
        };
        Some(Self { algorithm, value: algorithm.decode(value)?, parts })
    }
}

impl Promises {
    /// Reads them from the head.
    pub(super) fn parse(head: &Head) -> S3Result<Self> {
        let size = match head.text(SIZE)? {
            None => None,
            Some(text) => {
                let invalid =
                    || S3Error::argument("The value of the header is not a size.", SIZE, text);
                Some(text.parse().map_err(|_| invalid())?)
            }
        };
        let mut checksum = None;
        for algorithm in ChecksumAlgorithm::ALL {
            let Some(text) = head.text(algorithm.header_name())? else { continue };
            let header = algorithm.header_name();
            let promised = Promised::parse(algorithm, text)
                .ok_or(BodyError::ChecksumHeaderInvalid { header })?;
            if checksum.replace(promised).is_some() {
                return Err(BodyError::ChecksumsMultiple.into());
            }
        }
        Ok(Self { size, checksum, kind: checksum::kind(head)? })
    }

    /// Checks the type of the whole's checksum, for which no part is looked at.
    pub(super) fn check_kind(&self, upload: &Upload) -> S3Result<()> {
        let chosen = upload.checksum.as_ref().map(|(_, kind)| kind.as_str());
        match self.kind.map(ChecksumKind::name) {
            Some(promised) if chosen != Some(promised) => Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                format!(
                    "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
                    chosen.unwrap_or("null")
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Checks them on the chosen parts, as they are stored now.
    pub(super) async fn check(
        &self,
        call: &Call<'_>,
        (upload, unlocked): (&Upload, Option<&UnlockedUpload>),
        chosen: &[ChosenChecksum],
    ) -> S3Result<()> {
        let promised = self.checksum.as_ref().filter(|promised| promised.is_about(upload));
        if self.size.is_none() && promised.is_none() {
            return Ok(());
        }
        let Some(parts) = stored(call, upload, chosen).await? else {
            // A part is missing or another: the store will say which.
            return Ok(());
        };
        let size: u64 = parts.iter().map(|part| part.part.length).sum();
        if let Some(promised) = self.size.filter(|promised| *promised != size) {
            return Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                format!(
                    "The provided 'x-amz-mp-object-size' header value {promised} does not match what was computed: {size}"
                ),
            ));
        }
        let Some(promised) = promised else { return Ok(()) };
        let unlocked = unlocked.ok_or_else(sse_c::complete_key_differs)?;
        let of_upload = algorithm_of(upload);
        let computed = if promised.algorithm != of_upload {
            None
        } else if let Some(count) = promised.parts {
            composite(call, unlocked, count, &parts)?
        } else {
            combined(call, unlocked, promised.algorithm, &parts)?
        };
        if computed.as_ref() == Some(&promised.value) {
            return Ok(());
        }
        Err(S3Error::with_message(
            ErrorCode::BadDigest,
            format!(
                "The {} you specified did not match the calculated checksum.",
                of_upload.name().to_ascii_lowercase()
            ),
        ))
    }
}

/// The algorithm of the whole's checksum.
fn algorithm_of(upload: &Upload) -> ChecksumAlgorithm {
    let chosen = upload.checksum.as_ref();
    let chosen = chosen.and_then(|(name, _)| ChecksumAlgorithm::from_name(name));
    chosen.unwrap_or(ChecksumAlgorithm::Crc64Nvme)
}

/// The chosen parts; `None` unless each is there with the ETag that was chosen.
async fn stored(
    call: &Call<'_>,
    upload: &Upload,
    chosen: &[ChosenChecksum],
) -> S3Result<Option<Vec<UploadedPart>>> {
    let mut parts = Vec::with_capacity(chosen.len());
    let (mut after, mut more) = (0, true);
    while more {
        let (page, truncated) = call.engine().parts(upload, after, LIST_PAGE_MAX).await?;
        after = page.last().map_or(after, |part| part.part.number);
        more = truncated && !page.is_empty();
        let wanted = |part: &UploadedPart| {
            let found = chosen.binary_search_by_key(&part.part.number, |want| want.number);
            found.is_ok_and(|at| chosen[at].etag == part.part.etag)
        };
        parts.extend(page.into_iter().filter(wanted));
    }
    Ok((parts.len() == chosen.len()).then_some(parts))
}

/// The object's CRC out of its parts'; `None` if an older server kept another checksum of a part.
fn combined(
    call: &Call<'_>,
    unlocked: &UnlockedUpload,
    algorithm: ChecksumAlgorithm,
    parts: &[UploadedPart],
) -> S3Result<Option<Vec<u8>>> {
    let crc = match algorithm {
        ChecksumAlgorithm::Crc32 => CrcAlgorithm::Crc32IsoHdlc,
        ChecksumAlgorithm::Crc32c => CrcAlgorithm::Crc32Iscsi,
        ChecksumAlgorithm::Crc64Nvme => CrcAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => {
            return Err(invalid(
                "A SHA checksum of the whole object cannot be computed from its parts.",
            ));
        }
    };
    let mut whole = 0;
    for part in parts {
        let sum = call.store().part_checksum(unlocked, part);
        let sum = sum.map_err(|damaged| EngineError::Damaged(damaged.to_string()))?;
        let sum = sum.filter(|sum| from_format(sum.algorithm) == algorithm);
        let Some(sum) = sum else { return Ok(None) };
        let value = sum.value.iter().fold(0, |crc: u64, byte| crc << 8 | u64::from(*byte));
        whole = crc_fast::checksum_combine(crc, whole, value, part.part.length);
    }
    Ok(Some(whole.to_be_bytes()[8 - algorithm.value_bytes()..].to_vec()))
}

/// The object's checksum of its parts' checksums; `None` if it has none of so many parts.
fn composite(
    call: &Call<'_>,
    unlocked: &UnlockedUpload,
    count: u32,
    parts: &[UploadedPart],
) -> S3Result<Option<Vec<u8>>> {
    let computed = call.store().whole_checksum(parts, unlocked)?;
    let promised = |whole: &Checksum| {
        whole.kind == sealed_format::ChecksumKind::Composite && whole.parts == count
    };
    Ok(computed.filter(promised).map(|whole| whole.value))
}

fn invalid(message: &'static str) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidRequest, message)
}
