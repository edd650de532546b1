//! The list of parts that CompleteMultipartUpload sends, and what its checksums must be.
//!
//! Guarantees: numbers ascend, from 1 to 10,000 (E22); a list that is composed into a checksum repeats
//! every part's, and no list repeats what its upload did not choose.
//! Does not: know the stored parts; the store compares the list with them.

use std::mem;

use object_engine::model::{ETag, Upload};
use sealed_store::ChosenChecksum;

use crate::{
    body::{ChecksumAlgorithm, ChecksumKind},
    error::{ErrorCode, S3Error, S3Result, sse_c},
    limits::PART_NUMBER_MAX,
    profile::Profile,
    request::checksum::{from_format, to_format},
    xml::{Element, malformed},
};

/// The request's list: in ascending order, numbers from 1 to 10,000 (E22). Empty only if there was no body,
/// which [`none_chosen`] refuses.
pub(super) fn chosen_parts(body: &[u8], profile: Profile) -> S3Result<Vec<ChosenChecksum>> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let root = Element::parse(body, "CompleteMultipartUpload")?;
    root.only(&["Part"])?;
    let mut parts: Vec<_> = root.children().iter().map(chosen_part).collect::<S3Result<_>>()?;
    if profile.takes_part_listed_again() {
        parts.dedup_by(|later, kept| {
            let is_again = later.number == kept.number;
            if is_again {
                mem::swap(later, kept);
            }
            is_again
        });
    }
    if parts.is_empty() || parts.len() > PART_NUMBER_MAX as usize {
        return Err(malformed());
    }
    if parts.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        return Err(ErrorCode::InvalidPartOrder.into());
    }
    Ok(parts)
}

/// The refusal of a request without a list, once it is known that its upload is there.
pub(super) fn none_chosen() -> S3Error {
    S3Error::with_message(ErrorCode::InvalidRequest, "You must specify at least one part")
}

/// Whether the list's checksums are the upload's to have: E16 for any, where the customer's key is not at
/// hand to compare them.
pub(super) fn check_checksums(
    upload: &Upload,
    parts: &[ChosenChecksum],
    is_unlocked: bool,
    profile: Profile,
) -> S3Result<()> {
    if !is_unlocked && parts.iter().any(|part| part.checksum.is_some()) {
        return Err(sse_c::complete_key_differs());
    }
    let may_lack = profile.composes_parts_unlisted();
    parts.iter().try_for_each(|part| check_checksum(upload, part, may_lack))
}

fn check_checksum(upload: &Upload, part: &ChosenChecksum, may_lack: bool) -> S3Result<()> {
    let repeated = part.checksum.as_ref().map(|(algorithm, _)| from_format(*algorithm));
    let refused = |code, message: String| Err(S3Error::with_message(code, message));
    let number = part.number;
    match (&upload.checksum, repeated) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(invalid_part(upload, number, &part.etag)),
        (Some((chosen, _)), Some(repeated)) if !chosen.eq_ignore_ascii_case(repeated.name()) => {
            let repeated = repeated.name().to_ascii_lowercase();
            refused(
                ErrorCode::BadDigest,
                format!(
                    "The {repeated} you specified for part {number} did not match what we received."
                ),
            )
        }
        (Some((chosen, kind)), None) if kind == ChecksumKind::Composite.name() && !may_lack => {
            let chosen = chosen.to_ascii_lowercase();
            refused(
                ErrorCode::InvalidRequest,
                format!(
                    "The upload was created using a {chosen} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request."
                ),
            )
        }
        (Some(_), _) => Ok(()),
    }
}

/// A part that is not there as the list has it.
pub(super) fn invalid_part(upload: &Upload, number: u32, etag: &ETag) -> S3Error {
    S3Error::new(ErrorCode::InvalidPart)
        .element("UploadId", upload.id.to_string())
        .element("PartNumber", number.to_string())
        .element("ETag", etag.0.as_str())
}

fn chosen_part(element: &Element) -> S3Result<ChosenChecksum> {
    let mut known = vec!["PartNumber".to_owned(), "ETag".to_owned()];
    known.extend(ChecksumAlgorithm::ALL.map(|algorithm| format!("Checksum{}", algorithm.name())));
    element.only(&known.iter().map(String::as_str).collect::<Vec<_>>())?;
    let etag = element.required("ETag")?.trim().trim_matches('"');
    let number = part_number(element.required("PartNumber")?.trim())?;
    Ok(ChosenChecksum { number, etag: ETag(etag.to_owned()), checksum: part_checksum(element)? })
}

fn part_number(text: &str) -> S3Result<u32> {
    let number: i64 = text.parse().map_err(|_| malformed())?;
    match u32::try_from(number) {
        Ok(number @ 1..=PART_NUMBER_MAX) => Ok(number),
        _ if number < 1 => Err(S3Error::argument("PartNumber must be >= 1", "PartNumber", text)),
        _ => Err(S3Error::argument("PartNumber must be <= 10000", "PartNumber", text)),
    }
}

fn part_checksum(
    element: &Element,
) -> S3Result<Option<(sealed_format::ChecksumAlgorithm, Vec<u8>)>> {
    let mut found = None;
    for algorithm in ChecksumAlgorithm::ALL {
        let name = format!("Checksum{}", algorithm.name());
        let Some(text) = element.optional(&name)?.filter(|text| !text.is_empty()) else { continue };
        let value = algorithm.decode(text.trim()).ok_or_else(|| {
            S3Error::with_message(
                ErrorCode::InvalidRequest,
                format!("Value for {} header is invalid.", algorithm.header_name()),
            )
        })?;
        if found.replace((to_format(algorithm), value)).is_some() {
            return Err(malformed());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(parts: &str) -> Result<Vec<u32>, ErrorCode> {
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let parts = chosen_parts(body.as_bytes(), Profile::Aws).map_err(|error| error.code())?;
        Ok(parts.into_iter().map(|part| part.number).collect())
    }

    fn part(number: &str) -> String {
        format!("<Part><ETag>&quot;e&quot;</ETag><PartNumber>{number}</PartNumber></Part>")
    }

    #[test]
    fn the_list_has_its_schema() {
        assert_eq!(parsed(&(part("1") + &part("10000"))), Ok(vec![1, 10_000]));
        for (parts, code) in [
            (String::new(), ErrorCode::MalformedXML),
            (part("0"), ErrorCode::InvalidArgument),
            (part("-1"), ErrorCode::InvalidArgument),
            (part("10001"), ErrorCode::InvalidArgument),
            (part("x"), ErrorCode::MalformedXML),
            (part("2") + &part("1"), ErrorCode::InvalidPartOrder),
            (part("1") + &part("1"), ErrorCode::InvalidPartOrder),
            ("<Part><PartNumber>1</PartNumber></Part>".into(), ErrorCode::MalformedXML),
            ("<X/>".into(), ErrorCode::MalformedXML),
            (
                "<Part><ETag>e</ETag><PartNumber>1</PartNumber><ChecksumCRC32>x</ChecksumCRC32></Part>".into(),
                ErrorCode::InvalidRequest,
            ),
        ] {
            assert_eq!(parsed(&parts), Err(code), "{parts}");
        }
        assert!(chosen_parts(b"", Profile::Aws).unwrap().is_empty());
    }

    #[test]
    fn a_part_number_below_one_is_e22() {
        let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", part("0"));
        let error = chosen_parts(body.as_bytes(), Profile::Aws).unwrap_err();
        assert_eq!(error.message(), "PartNumber must be >= 1");
        assert_eq!(
            error.elements(),
            [("ArgumentName", "PartNumber".to_owned()), ("ArgumentValue", "0".to_owned())]
        );
    }
}
