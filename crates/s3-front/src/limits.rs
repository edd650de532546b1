//! Everything that a client could otherwise enlarge, as named constants with their reasons.
//!
//! Does not: hold what belongs to the listener (header block, connections, timeouts).

/// Longest XML request body in bytes: what AWS allows for DeleteObjects, its largest.
pub const XML_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Deepest nesting of an XML request body; the deepest document of S3's schemas has six levels.
pub const XML_DEPTH_MAX: usize = 16;

/// Keys in one DeleteObjects (S3's limit).
pub const DELETE_OBJECTS_KEYS_MAX: usize = 1_000;

/// Deletions of one DeleteObjects that are under way together: enough to share synced commits, few
/// enough that one request does not crowd out the others.
pub const DELETIONS_AT_ONCE: usize = 32;

/// Entries of one page of any listing (S3's limit).
pub const LIST_PAGE_MAX: usize = 1_000;

/// Buckets in one page of ListBuckets (S3's limit).
pub const LIST_BUCKETS_PAGE_MAX: usize = 10_000;

/// Plaintext bytes of one PutObject or UploadPart (S3's limit).
pub const PUT_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// Plaintext bytes that a copy may have to seal anew (S3's limit for every copy).
pub const COPY_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// Highest part number, and so the most parts of an object (S3's limit).
pub const PART_NUMBER_MAX: u32 = 10_000;

/// Bytes of all user metadata names and values together (S3's limit).
pub const USER_METADATA_BYTES_MAX: usize = 2 * 1024;

/// Tags of one object (S3's limit).
pub const TAGS_MAX: usize = 10;

/// Tags of one bucket (S3's limit).
pub const BUCKET_TAGS_MAX: usize = 50;

/// Characters of a tag's key (S3's limit).
pub const TAG_KEY_CHARS_MAX: usize = 128;

/// Characters of a tag's value (S3's limit).
pub const TAG_VALUE_CHARS_MAX: usize = 256;

/// Bytes of a CORS configuration (S3's limit).
pub const CORS_BYTES_MAX: usize = 64 * 1024;

/// Rules of a CORS configuration (S3's limit).
pub const CORS_RULES_MAX: usize = 100;

/// Characters of a CORS rule's id (S3's limit).
pub const CORS_RULE_ID_CHARS_MAX: usize = 255;

/// Headers that a preflight may ask for: nobody has signed it, and each is held against each pattern.
pub const CORS_REQUESTED_HEADERS_MAX: usize = 256;

/// Bytes of `x-amz-website-redirect-location` (S3's limit).
pub const WEBSITE_REDIRECT_BYTES_MAX: usize = 2 * 1024;

/// Rules of one lifecycle configuration (S3's limit).
pub const LIFECYCLE_RULES_MAX: usize = 1_000;

/// Characters of a lifecycle rule's id (S3's limit).
pub const LIFECYCLE_ID_CHARS_MAX: usize = 255;

/// Bytes of a lifecycle rule's prefix: the longest key.
pub const LIFECYCLE_PREFIX_BYTES_MAX: usize = 1_024;

/// Noncurrent versions that a lifecycle rule can keep (S3's limit).
pub const LIFECYCLE_NEWER_VERSIONS_MAX: u32 = 100;

/// Elements of an XML request body: above CompleteMultipartUpload's 10,000 parts of eight elements each.
pub const XML_ELEMENTS_MAX: usize = 100_000;

/// Bytes of a bucket or identity policy (S3's limit for bucket policies).
pub const POLICY_BYTES_MAX: usize = 20 * 1024;

/// Bytes of a value of a request that a policy's condition is held against: what AWS allows for a whole
/// head. Longer ones are not looked at, and refuse whatever a policy makes depend on them.
pub const CONDITION_VALUE_BYTES_MAX: usize = 8 * 1024;

/// Parameters of one query: no operation has a tenth of them, and each name is held against each.
pub const QUERY_PARAMETERS_MAX: usize = 256;

/// Bytes of an error's message, and of each element beside it, that echo a request: what AWS allows for a
/// whole head. Escaped they are six times as long at most.
pub const ERROR_TEXT_BYTES_MAX: usize = 8 * 1024;

/// Bytes of a canonical request, or of version 2's string to sign, that `SignatureDoesNotMatch` shows: twice
/// what AWS allows for a head, since escapes grow. They are shown twice, the second time in hexadecimal.
pub const SIGNED_TEXT_BYTES_SHOWN: usize = 16 * 1024;

/// Parsed policies of buckets, and of users, that are kept: some 100 KiB each at the very most.
pub const POLICIES_CACHED_MAX: usize = 256;
/// Bytes of a form upload before its file, and again after it: S3's limit on the former.
pub const FORM_FIELDS_BYTES_MAX: usize = 20 * 1024;

/// The JSON of an SSE-KMS encryption context: AWS KMS takes requests of 8 KiB in all.
pub const ENCRYPTION_CONTEXT_BYTES_MAX: usize = 8 * 1024;
