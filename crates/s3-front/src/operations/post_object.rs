//! PostObject: an upload by HTML form.
//!
//! Guarantees: the form's fields are read (within 20 KiB), its policy is authenticated and evaluated,
//! and its sender is authorised before a byte of the file is handed on; a file whose length the policy
//! does not allow stores nothing.
//! Does not: take SSE-C, or a signature, from the request's own headers: no browser sends any.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use object_engine::model::{Attached, BucketName, ObjectKey, Published, WriteCondition};
use percent_encoding::utf8_percent_encode;
use sealed_store::{BodyDigests, PlainBody, Put, PutError, PutOutcome};

use super::{
    encryption_settings::SseCWrite,
    expiration::{self, EXPIRATION},
    found::no_such_key,
    location::{URL, location},
    lock_settings::NewLock,
    put_object::new_version,
    sealing::Sealer,
};
use crate::{
    body::{ChecksumAlgorithm, RequestBody},
    error::{ErrorCode, S3Error, S3Result, post_form::of_file, sse_c},
    identity::{Authenticated, Principal},
    limits::{FORM_FIELDS_BYTES_MAX, PUT_BYTES_MAX},
    policy::Action,
    post_form::{self, Delimiter, FileBody, Form, LengthRange, Policy, missing, text},
    request::{checksum, customer_key, head::Head, metadata, stored},
    response::{
        Answer, ResponseBody,
        object::{VERSION_ID, quoted},
    },
    route::{ObjectOperation, Route, object_key},
    service::{Call, HttpBody, Incoming, no_such_bucket},
    signature::{Payload, SignatureError},
    xml::XmlWriter,
};

/// Stores a form's file, sealed under the key in its fields or the server's.
pub(crate) async fn post_object<B: HttpBody>(
    call: &Call<'_>,
    bucket: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let delimiter = delimiter(call, &incoming.payload)?;
    let posted = post(call, bucket, (incoming.body, delimiter));
    // What is refused leaves a file on its way that nobody will read.
    posted.await.map_err(S3Error::closing)
}

async fn post<B: HttpBody>(
    call: &Call<'_>,
    bucket: &BucketName,
    (body, delimiter): (B, Delimiter),
) -> S3Result<Answer> {
    let (mut form, rest) = post_form::read(body, delimiter).await?;
    let has_key = form.mentions_customer_key();
    if has_key && !call.connection.secure {
        return Err(sse_c::insecure_connection());
    }
    customer_key::refuse_foreign_names(form.names(), call.profile())?;
    customer_key::refuse_repeated_names(form.names())?;
    let key = key(&form)?;
    let (principal, range) = authorised(call, &form, bucket).await?;
    let wish = Wish::of(&form)?;
    let head = post_form::head(&form, &call.head)?;
    let keys = customer_key::of_form(|name| form.take(name), call.profile());
    // What policies ask about is the object that the form names, with its fields for headers.
    let route = Route::Object(bucket.clone(), key.clone(), ObjectOperation::PutObject);
    let sender =
        Authenticated { principal, payload: Payload::Unsigned, access_key_id: None, signed: None };
    let from = (call.connection, call.request_id);
    let form_call = call.service.call(head, keys, (&route, sender), from);
    let tags = post_form::tags(&form);
    drop(form);
    let stored = store(&form_call, (bucket, &key), tags, FileBody::new(rest, range)).await?;
    let answer = wish.answer(&stored, &Place::new(call, bucket, &key));
    // The buffer that the connection read the fields into would keep the key until its next request.
    let close = has_key.then_some("close");
    Ok(form_call.keys.echoed(answer).header_if(header::CONNECTION, close))
}

/// What the request's own head must be like: 412 unless it is a form.
fn delimiter(call: &Call<'_>, payload: &Payload) -> S3Result<Delimiter> {
    let content_type = call.head.filled("content-type")?.unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(S3Error::new(ErrorCode::PreconditionFailed)
            .element("Condition", "Bucket POST must be of the enclosure-type multipart/form-data")
            .closing());
    }
    if call.principal != Principal::Anonymous {
        return Err(S3Error::from(SignatureError::MechanismRepeated).closing());
    }
    if call.keys.any() || !matches!(payload, Payload::Unsigned) {
        return Err(S3Error::with_message(
            ErrorCode::InvalidRequest,
            "A form upload takes server side encryption parameters and checksums from its fields, not from headers.",
        )
        .closing());
    }
    check_length(call)?;
    let malformed = || S3Error::new(ErrorCode::MalformedPOSTRequest).closing();
    Delimiter::of(content_type).ok_or_else(malformed)
}

fn check_length(call: &Call<'_>) -> S3Result<()> {
    let text = call.head.text("content-length")?.ok_or(ErrorCode::MissingContentLength)?;
    let most = PUT_BYTES_MAX + 2 * FORM_FIELDS_BYTES_MAX as u64;
    if text.parse().is_ok_and(|length: u64| length <= most) {
        return Ok(());
    }
    Err(S3Error::new(ErrorCode::EntityTooLarge)
        .element("ProposedSize", text)
        .element("MaxSizeAllowed", PUT_BYTES_MAX.to_string())
        .closing())
}

fn key(form: &Form) -> S3Result<ObjectKey> {
    match text(form, "key")?.ok_or_else(|| missing("key"))? {
        "" => Err(S3Error::argument("User key must have a length greater than 0.", "key", "")),
        key => object_key(key),
    }
}

/// Who sent the form, and what its policy leaves to the file. An anonymous form has no policy.
async fn authorised(
    call: &Call<'_>,
    form: &Form,
    bucket: &BucketName,
) -> S3Result<(Principal, LengthRange)> {
    let (principal, policy) = post_form::authenticate(call.service, form).await?;
    let mut range = LengthRange { min: 0, max: PUT_BYTES_MAX };
    if let Some(policy) = policy {
        let now = call.service.options.clock.now();
        range = Policy::parse(policy)?.check(form, (bucket.as_str(), call.profile()), now)?;
        range.max = range.max.min(PUT_BYTES_MAX);
    }
    Ok((principal, range))
}

/// What a put left that the answer tells.
struct Stored {
    outcome: PutOutcome,
    version: Option<String>,
    expires: Option<String>,
    sealer: Sealer,
}

/// As PutObject, with fields for headers.
async fn store<B: HttpBody>(
    call: &Call<'_>,
    (name, key): (&BucketName, &ObjectKey),
    tags: S3Result<Option<Vec<(String, String)>>>,
    file: FileBody<B>,
) -> S3Result<Stored> {
    let bucket = call.bucket(name).await?;
    let head = &call.head;
    // A bucket that blocks SSE-C refuses before any value of it is looked at.
    SseCWrite { bucket: &bucket, key, action: "s3:PutObject" }.check(call)?;
    let storage_class = stored::storage_class(head)?;
    let mut body = File(RequestBody::new(&head.headers, Payload::Unsigned, file)?);
    let sealer = Sealer::of(call, &bucket)?;
    let new = call.new_object(&bucket).await?;
    stored::check_unbuilt(head)?;
    let lock = NewLock::of(call, &bucket)?;
    body.choose_checksum(head)?;
    let tags = tags?;
    if let Some(tags) = &tags {
        for action in [Action::PutObject, Action::PutObjectTagging] {
            call.authorise_tags(&bucket, action, tags).await?;
        }
    }
    let put = Put {
        bucket: &bucket,
        key,
        owner: &new.owner,
        encryption: sealer.encryption(),
        metadata: metadata::parse(head)?,
        storage_class,
        attached: Attached {
            acl: new.acl,
            ..lock.with_tags(tags.map_or_else(|| stored::tags(head), Ok)?)
        },
        condition: WriteCondition::default(),
    };
    if sealer.wants_md5() {
        // The ETag of an object under the server's key is its MD5.
        body.0.want_md5();
    }
    let outcome = call.store().put(put, &mut body).await.map_err(|error| match error {
        PutError::Body(error) => error,
        PutError::Store(error) => error.into(),
        PutError::Key(error) => error.into(),
    })?;
    match &outcome.published {
        Published::Done(assigned) => {
            let version = new_version(assigned);
            let expires = expiration::of_new(call, (&bucket, key), assigned).await;
            Ok(Stored { outcome, version, expires, sealer })
        }
        Published::ConditionFailed => Err(ErrorCode::PreconditionFailed.into()),
        Published::NoSuchKey => Err(no_such_key(key)),
        Published::NoSuchBucket => Err(no_such_bucket(name)),
    }
}

/// The form's file as the store takes it, with the promises of its fields.
struct File<B>(RequestBody<FileBody<B>>);

impl<B: HttpBody> File<B> {
    /// `x-amz-checksum-algorithm`: which to compute where no value was sent.
    fn choose_checksum(&mut self, head: &Head) -> S3Result<()> {
        const NAME: &str = "x-amz-checksum-algorithm";
        let Some(text) = head.filled(NAME)? else { return Ok(()) };
        match ChecksumAlgorithm::from_name(text) {
            Some(algorithm) if self.0.want_checksum(algorithm) => Ok(()),
            _ => Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                format!("Value for {NAME} header is invalid."),
            )),
        }
    }
}

#[async_trait]
impl<B: HttpBody> PlainBody for File<B> {
    type Error = S3Error;

    fn length(&self) -> Option<u64> {
        None
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, S3Error> {
        self.0.frame().await.map_err(of_file)
    }

    fn finish(&mut self) -> Result<BodyDigests, S3Error> {
        let digests = self.0.finish().map_err(of_file)?;
        Ok(BodyDigests { md5: digests.md5, checksum: digests.checksum.map(checksum::stored) })
    }
}

/// What the form wants to be answered.
enum Wish {
    /// A status of 200, 201 or 204; every other value is 204.
    Status(StatusCode),
    /// 303 to this URL.
    Redirect(String),
}

impl Wish {
    fn of(form: &Form) -> S3Result<Self> {
        let redirect = text(form, "success_action_redirect")?;
        let redirect = redirect.map_or_else(|| text(form, "redirect"), |url| Ok(Some(url)))?;
        if let Some(url) = redirect.filter(|url| is_url(url)) {
            return Ok(Self::Redirect(url.to_owned()));
        }
        Ok(Self::Status(match text(form, "success_action_status")? {
            Some("200") => StatusCode::OK,
            Some("201") => StatusCode::CREATED,
            _ => StatusCode::NO_CONTENT,
        }))
    }

    fn answer(&self, stored: &Stored, at: &Place<'_>) -> Answer {
        let etag = quoted(&stored.outcome.etag);
        let answer = match self {
            Self::Redirect(url) => Answer::status(StatusCode::SEE_OTHER)
                .header(header::LOCATION, at.told_to(url, &etag)),
            Self::Status(status) => {
                let body = match *status {
                    StatusCode::CREATED => ResponseBody::full(at.document(&etag)),
                    _ => ResponseBody::empty(),
                };
                let xml = (*status == StatusCode::CREATED).then_some("application/xml");
                Answer::status(*status)
                    .with_body(body)
                    .header_if(header::CONTENT_TYPE, xml)
                    .header(header::LOCATION, &at.location)
            }
        };
        stored
            .sealer
            .told(answer.etag(&stored.outcome.etag))
            .checksum(stored.outcome.checksum.as_ref())
            .header_if(VERSION_ID, stored.version.as_ref())
            .header_if(EXPIRATION, stored.expires.as_ref())
    }
}

/// Whether a browser can be sent there. S3 takes what it cannot interpret as if it were not there.
fn is_url(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    let absolute = ["http://", "https://"].iter().any(|scheme| lower.starts_with(scheme));
    absolute && HeaderValue::from_str(url).is_ok()
}

/// Where the object is.
struct Place<'a> {
    bucket: &'a BucketName,
    key: &'a ObjectKey,
    location: String,
}

impl<'a> Place<'a> {
    fn new(call: &Call<'_>, bucket: &'a BucketName, key: &'a ObjectKey) -> Self {
        let in_path = !call.head.path.trim_matches('/').is_empty();
        Self { bucket, key, location: location(call, Some(bucket).filter(|_| in_path), key) }
    }

    /// The URL that the form named, told what was stored.
    fn told_to(&self, url: &str, etag: &str) -> String {
        let (url, fragment) = url.split_once('#').map_or((url, None), |(a, b)| (a, Some(b)));
        let join = if url.contains('?') { '&' } else { '?' };
        let form = |text| utf8_percent_encode(text, URL).to_string().replace("%20", "+");
        let (bucket, key, etag) = (form(self.bucket.as_str()), form(self.key.as_str()), form(etag));
        let fragment = fragment.map(|text| format!("#{text}")).unwrap_or_default();
        format!("{url}{join}bucket={bucket}&key={key}&etag={etag}{fragment}")
    }

    /// The body of a 201.
    fn document(&self, etag: &str) -> String {
        let mut writer = XmlWriter::bare("PostResponse");
        writer
            .text("Location", &self.location)
            .text("Bucket", self.bucket)
            .text("Key", self.key)
            .text("ETag", etag);
        writer.finish()
    }
}
