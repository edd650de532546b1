//! PublicAccessBlockConfiguration.
//!
//! Guarantees: what is written parses to the same.
//! Does not: block anything; `service::access` and PutBucketPolicy do.

use crate::{
    error::S3Result,
    xml::{Element, XmlWriter, malformed},
};

/// What a bucket refuses to let become public.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicAccessBlock {
    /// Public ACLs are refused.
    pub block_public_acls: bool,
    /// Public policies are refused.
    pub block_public_policy: bool,
    /// What ACLs grant to everybody, or to every account, counts for nothing.
    pub ignore_public_acls: bool,
    /// A public policy opens the bucket to nobody but its owner.
    pub restrict_public_buckets: bool,
}

const ROOT: &str = "PublicAccessBlockConfiguration";
const BLOCK_ACLS: &str = "BlockPublicAcls";
const IGNORE_ACLS: &str = "IgnorePublicAcls";
const BLOCK_POLICY: &str = "BlockPublicPolicy";
const RESTRICT: &str = "RestrictPublicBuckets";

impl PublicAccessBlock {
    /// Everything blocked.
    pub const ALL: Self = Self {
        block_public_acls: true,
        block_public_policy: true,
        ignore_public_acls: true,
        restrict_public_buckets: true,
    };

    /// Reads the document; what is not mentioned is not blocked.
    pub fn parse(body: &[u8]) -> S3Result<Self> {
        let root = Element::parse(body, ROOT)?;
        root.only(&[BLOCK_ACLS, IGNORE_ACLS, BLOCK_POLICY, RESTRICT])?;
        let flag = |name| match root.optional(name)?.map(|text| text.trim().to_ascii_lowercase()) {
            None => Ok(false),
            Some(text) => text.parse().map_err(|_| malformed()),
        };
        Ok(Self {
            block_public_acls: flag(BLOCK_ACLS)?,
            block_public_policy: flag(BLOCK_POLICY)?,
            ignore_public_acls: flag(IGNORE_ACLS)?,
            restrict_public_buckets: flag(RESTRICT)?,
        })
    }

    /// Writes the document.
    pub fn document(&self) -> String {
        let mut writer = XmlWriter::new(ROOT);
        writer
            .text(BLOCK_ACLS, self.block_public_acls)
            .text(IGNORE_ACLS, self.ignore_public_acls)
            .text(BLOCK_POLICY, self.block_public_policy)
            .text(RESTRICT, self.restrict_public_buckets);
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn documents_come_back() {
        for block in [
            PublicAccessBlock::default(),
            PublicAccessBlock::ALL,
            PublicAccessBlock { block_public_policy: true, ..PublicAccessBlock::default() },
            PublicAccessBlock { restrict_public_buckets: false, ..PublicAccessBlock::ALL },
        ] {
            assert_eq!(PublicAccessBlock::parse(block.document().as_bytes()), Ok(block));
        }
        let some = "<PublicAccessBlockConfiguration><BlockPublicAcls>TRUE</BlockPublicAcls></PublicAccessBlockConfiguration>";
        let parsed = PublicAccessBlock::parse(some.as_bytes()).unwrap();
        assert!(parsed.block_public_acls && !parsed.block_public_policy);
        for bad in
            [some.replace("TRUE", "yes"), some.replace("BlockPublicAcls", "X"), String::new()]
        {
            let code = PublicAccessBlock::parse(bad.as_bytes()).unwrap_err().code();
            assert_eq!(code, ErrorCode::MalformedXML, "{bad}");
        }
    }
}
