//! The parameters of multipart uploads.
//!
//! Guarantees: a part number is 1 to 10,000.
//! Does not: look uploads up.

use object_engine::model::UploadId;

use super::query::Query;
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::PART_NUMBER_MAX,
};

/// `partNumber`, if it is there.
pub fn part_number(query: &Query) -> S3Result<Option<u32>> {
    let Some(text) = query.get("partNumber") else { return Ok(None) };
    let number = text.parse().ok().filter(|number| (1..=PART_NUMBER_MAX).contains(number));
    number.map(Some).ok_or_else(|| {
        S3Error::argument(
            "Part number must be an integer between 1 and 10000, inclusive",
            "partNumber",
            text,
        )
    })
}

/// `uploadId`; one that this server cannot have made names no upload.
pub fn upload_id(query: &Query) -> S3Result<UploadId> {
    let text = query.get("uploadId").unwrap_or_default();
    UploadId::parse(text).ok_or_else(|| no_such_upload(text))
}

/// `404 NoSuchUpload`.
pub fn no_such_upload(id: impl ToString) -> S3Error {
    S3Error::new(ErrorCode::NoSuchUpload).element("UploadId", id.to_string())
}

/// `part-number-marker`.
pub fn part_number_marker(query: &Query) -> S3Result<u32> {
    let Some(text) = query.filled("part-number-marker") else { return Ok(0) };
    text.parse().map_err(|_| {
        S3Error::argument(
            "Provided part-number-marker not an integer or within integer range",
            "part-number-marker",
            text,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_are_bounded() {
        let parsed = |raw: &str| part_number(&Query::parse(raw).unwrap());
        assert_eq!(parsed("").unwrap(), None);
        assert_eq!(parsed("partNumber=1").unwrap(), Some(1));
        assert_eq!(parsed("partNumber=10000").unwrap(), Some(10_000));
        for raw in
            ["partNumber=0", "partNumber=10001", "partNumber=", "partNumber=x", "partNumber=-1"]
        {
            assert_eq!(parsed(raw).unwrap_err().code(), ErrorCode::InvalidArgument, "{raw}");
        }
    }

    #[test]
    fn a_foreign_upload_id_is_no_upload() {
        let query = Query::parse("uploadId=x").unwrap();
        assert_eq!(upload_id(&query).unwrap_err().code(), ErrorCode::NoSuchUpload);
    }
}
