//! DeleteObjects.

use futures_util::future::join_all;
use object_engine::model::{
    Bucket, BucketName, InvalidObjectKey, ObjectKey, VersionId, VersionSelector, WriteCondition,
};

use super::delete_object::{Outcome, Target};
use crate::{
    body::{BodyError, RequestBody},
    error::{ErrorCode, S3Error, S3Result},
    limits::{DELETE_OBJECTS_KEYS_MAX, DELETIONS_AT_ONCE},
    policy::{Action, Context},
    request::{conditional::etags, mfa, object_lock::bypasses_governance},
    response::Answer,
    service::{Call, HttpBody, Incoming, access::Keys},
    xml::{Element, XmlWriter, malformed},
};

/// Deletes up to 1,000 keys or versions, each on its own; the answer says what became of each.
pub(crate) async fn delete_objects<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    mfa::refuse(&call.head)?;
    let body = RequestBody::new(&call.head.headers, incoming.payload, incoming.body)?;
    if !body.has_integrity_header() {
        return Err(BodyError::IntegrityHeaderMissing.into());
    }
    let request = Request::parse(&call.xml_body(body).await?)?;
    let keys = call.keys(&bucket);
    let mut outcomes = Vec::with_capacity(request.entries.len());
    for together in request.entries.chunks(DELETIONS_AT_ONCE) {
        let wanted = join_all(together.iter().map(|entry| Wanted::of(entry, &keys))).await;
        let mut allowed = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            allowed.push(match wanted {
                Ok(wanted) => wanted.authorised(call, &keys).await,
                Err(error) => Err(error),
            });
        }
        let deletions =
            allowed.into_iter().map(async |allowed| allowed?.delete(call, &bucket).await);
        outcomes.extend(join_all(deletions).await);
    }
    let mut writer = XmlWriter::new("DeleteResult");
    for (entry, outcome) in request.entries.iter().zip(outcomes) {
        match outcome {
            Ok(_) if request.quiet => {}
            Ok(outcome) => write_deleted(&mut writer, entry, &outcome),
            Err(error) => write_error(&mut writer, entry, &error),
        }
    }
    Ok(Answer::xml(writer.finish()))
}

struct Request {
    quiet: bool,
    entries: Vec<Entry>,
}

struct Entry {
    key: String,
    version: Option<String>,
    etag: Option<String>,
}

impl Request {
    fn parse(body: &[u8]) -> S3Result<Self> {
        if body.is_empty() {
            return Err(ErrorCode::MissingRequestBodyError.into());
        }
        let root = Element::parse(body, "Delete")?;
        root.only(&["Object", "Quiet"])?;
        let quiet = match root.optional("Quiet")?.map(str::trim) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(malformed()),
        };
        let objects = root.children().iter().filter(|child| child.name() == "Object");
        let entries: Vec<_> = objects.map(Entry::parse).collect::<S3Result<_>>()?;
        if entries.is_empty() || entries.len() > DELETE_OBJECTS_KEYS_MAX {
            return Err(malformed());
        }
        Ok(Self { quiet, entries })
    }
}

impl Entry {
    fn parse(element: &Element) -> S3Result<Self> {
        element.only(&["Key", "VersionId", "ETag", "LastModifiedTime", "Size"])?;
        for unbuilt in ["LastModifiedTime", "Size"] {
            if element.optional(unbuilt)?.is_some() {
                return Err(S3Error::not_implemented(format!(
                    "Delete/Object/{unbuilt} is not implemented."
                )));
            }
        }
        let owned = |name| Ok::<_, S3Error>(element.optional(name)?.map(str::to_owned));
        Ok(Self {
            key: element.required("Key")?.to_owned(),
            version: owned("VersionId")?.filter(|version| !version.is_empty()),
            etag: owned("ETag")?,
        })
    }

    fn selector(&self) -> S3Result<VersionSelector> {
        match self.version.as_deref() {
            None => Ok(VersionSelector::Latest),
            Some("null") => Ok(VersionSelector::Null),
            Some(text) => {
                let id = VersionId::parse(text).ok_or(ErrorCode::NoSuchVersion)?;
                Ok(VersionSelector::Id(id))
            }
        }
    }
}

/// An entry that names something.
struct Wanted<'a> {
    entry: &'a Entry,
    key: ObjectKey,
    selector: VersionSelector,
    /// What conditions of policies can ask of it.
    context: Option<Context>,
}

impl<'a> Wanted<'a> {
    async fn of(entry: &'a Entry, keys: &Keys<'_>) -> S3Result<Self> {
        let key = ObjectKey::parse(&entry.key).map_err(|error| match error {
            InvalidObjectKey::TooLong => ErrorCode::KeyTooLongError,
            InvalidObjectKey::Empty | InvalidObjectKey::Nul => ErrorCode::InvalidArgument,
        })?;
        let selector = entry.selector()?;
        let context = keys.context((&key, selector)).await?;
        Ok(Self { entry, key, selector, context })
    }

    async fn authorised(self, call: &Call<'_>, keys: &Keys<'_>) -> S3Result<Self> {
        let mut actions = vec![match self.selector {
            VersionSelector::Latest => Action::DeleteObject,
            VersionSelector::Null | VersionSelector::Id(_) => Action::DeleteObjectVersion,
        }];
        if self.entry.etag.as_deref().is_some_and(|etag| etag != "*") {
            // Whoever compares the ETag learns something of the object.
            actions.push(Action::GetObject);
        }
        if bypasses_governance(&call.head) {
            actions.push(Action::BypassGovernanceRetention);
        }
        keys.authorise(&self.key, self.context.as_ref(), &actions).await?;
        Ok(self)
    }

    async fn delete(self, call: &Call<'_>, bucket: &Bucket) -> S3Result<Outcome> {
        let Self { entry, ref key, selector, .. } = self;
        let condition =
            WriteCondition { if_match: entry.etag.as_deref().map(etags), if_none_match: None };
        let bypasses_governance = bypasses_governance(&call.head);
        Target { bucket, key, selector, condition, bypasses_governance }.delete(call).await
    }
}

fn write_deleted(writer: &mut XmlWriter, entry: &Entry, outcome: &Outcome) {
    writer.inside("Deleted", |deleted| {
        deleted.text("Key", &entry.key).text_if("VersionId", entry.version.as_ref());
        if outcome.is_marker {
            deleted
                .text("DeleteMarker", true)
                .text_if("DeleteMarkerVersionId", outcome.version.as_ref());
        }
    });
}

fn write_error(writer: &mut XmlWriter, entry: &Entry, error: &S3Error) {
    writer.inside("Error", |failed| {
        failed
            .text("Key", &entry.key)
            .text_if("VersionId", entry.version.as_ref())
            .text("Code", error.code().as_str())
            .text("Message", error.message());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> Result<(bool, usize), ErrorCode> {
        let request = Request::parse(body.as_bytes()).map_err(|error| error.code())?;
        Ok((request.quiet, request.entries.len()))
    }

    #[test]
    fn the_document_has_its_schema() {
        let objects = |count| "<Object><Key>k</Key></Object>".repeat(count);
        assert_eq!(parsed(&format!("<Delete>{}</Delete>", objects(1))), Ok((false, 1)));
        assert_eq!(
            parsed(&format!("<Delete><Quiet>true</Quiet>{}</Delete>", objects(1_000))),
            Ok((true, 1_000))
        );
        for (body, code) in [
            (String::new(), ErrorCode::MissingRequestBodyError),
            ("<Delete/>".into(), ErrorCode::MalformedXML),
            (format!("<Delete>{}</Delete>", objects(1_001)), ErrorCode::MalformedXML),
            ("<Delete><Object/></Delete>".into(), ErrorCode::MalformedXML),
            (
                "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>".into(),
                ErrorCode::MalformedXML,
            ),
            (
                "<Delete><Object><Key>a</Key></Object><Quiet>x</Quiet></Delete>".into(),
                ErrorCode::MalformedXML,
            ),
            (
                "<Delete><Object><Key>a</Key><Size>1</Size></Object></Delete>".into(),
                ErrorCode::NotImplemented,
            ),
        ] {
            assert_eq!(parsed(&body), Err(code), "{body}");
        }
    }
}
