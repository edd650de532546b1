//! What ACL a request asks for: a canned one, grants in headers, or a document.
//!
//! Guarantees: two of a canned ACL, grants and a document are a refusal, as on AWS; a header that cannot be read is
//! refused, never left out.
//! Does not: know whether the accounts that are named exist.

use object_engine::model::AccountId;

use super::{Canned, GRANTS_MAX, Group, Permission, document, malformed_acl};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    request::head::Head,
};

const CANNED: &str = "x-amz-acl";
const GRANTS: &str = "x-amz-grant-";

/// On what an ACL is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Bucket,
    Object,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing.
    Nothing,
    /// A canned ACL.
    Canned(Canned),
    /// These grants.
    Grants(Vec<AskedGrant>),
}

/// A grant whose grantee nobody has looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AskedGrant {
    pub(crate) grantee: NamedGrantee,
    pub(crate) permission: Permission,
}

/// A grantee as requests name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NamedGrantee {
    /// By canonical id.
    Id(String),
    /// By e-mail address.
    Email(String),
    /// A group.
    Group(Group),
}

impl AskedGrant {
    /// Whether it gives full control to this account, by its id.
    pub(crate) fn is_full_control_of(&self, id: &AccountId) -> bool {
        let named = matches!(&self.grantee, NamedGrantee::Id(named) if *named == id.0);
        named && self.permission == Permission::FullControl
    }
}

impl NamedGrantee {
    /// The group of this URI; `argument` is what the refusal calls it.
    pub(super) fn group(uri: &str, argument: &str) -> S3Result<Self> {
        let group = Group::from_uri(uri);
        group
            .map(Self::Group)
            .ok_or_else(|| S3Error::argument("Invalid group uri", argument.to_owned(), uri))
    }
}

impl Asked {
    /// What the headers say.
    pub(crate) fn in_headers(head: &Head, on: On) -> S3Result<Self> {
        let canned = match head.filled(CANNED)? {
            None => None,
            Some(name) => Some(
                Canned::from_name(name, on)
                    .ok_or_else(|| S3Error::argument("Argument value is invalid", CANNED, name))?,
            ),
        };
        let has_grants = head.headers.keys().any(|name| name.as_str().starts_with(GRANTS));
        match (canned, has_grants) {
            (None, false) => Ok(Self::Nothing),
            (Some(canned), false) => Ok(Self::Canned(canned)),
            (Some(_), true) => Err(both()),
            (None, true) => granted(head).map(Self::Grants),
        }
    }

    /// What the headers or the document of PutBucketAcl or PutObjectAcl say; exactly one must say it.
    /// A document cannot make `owner`'s things another's.
    pub(crate) fn whole(self, body: &[u8], owner: &str) -> S3Result<Self> {
        match (self, body.is_empty()) {
            (Self::Nothing, true) => Err(S3Error::with_message(
                ErrorCode::MissingSecurityHeader,
                "Your request was missing a required header",
            )
            .element("MissingHeaderName", CANNED)),
            (Self::Nothing, false) => {
                let (named, grants) = document::parse(body)?;
                if named == owner { Ok(Self::Grants(grants)) } else { Err(denied()) }
            }
            (asked, true) => Ok(asked),
            (_, false) => Err(ErrorCode::UnexpectedContent.into()),
        }
    }
}

fn denied() -> S3Error {
    ErrorCode::AccessDenied.into()
}

fn both() -> S3Error {
    S3Error::with_message(
        ErrorCode::InvalidRequest,
        "Specifying both Canned ACLs and Header Grants is not allowed",
    )
}

fn granted(head: &Head) -> S3Result<Vec<AskedGrant>> {
    let known = |name: &str| Permission::ALL.into_iter().any(|known| known.header() == name);
    if let Some(name) =
        head.headers.keys().find(|name| name.as_str().starts_with(GRANTS) && !known(name.as_str()))
    {
        return Err(unrecognised(name.as_str(), ""));
    }
    let mut grants = Vec::new();
    for permission in Permission::ALL {
        let header = permission.header();
        let Some(text) = head.filled(header)? else { continue };
        for grantee in grantees(header, text)? {
            grants.push(AskedGrant { grantee, permission });
        }
    }
    if grants.len() > GRANTS_MAX { Err(malformed_acl()) } else { Ok(grants) }
}

/// `id="…", uri="…", emailAddress="…"`, with or without quotes.
fn grantees(header: &str, text: &str) -> S3Result<Vec<NamedGrantee>> {
    let refused = || unrecognised(header, text);
    let mut rest = text.trim();
    let mut grantees = Vec::new();
    loop {
        let (kind, after) = rest.split_once('=').ok_or_else(refused)?;
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or_else(refused)?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        let value = value.trim();
        grantees.push(match kind.trim().to_ascii_lowercase().as_str() {
            _ if value.is_empty() => return Err(refused()),
            "id" => NamedGrantee::Id(value.to_owned()),
            "emailaddress" => NamedGrantee::Email(value.to_owned()),
            "uri" => NamedGrantee::group(value, header)?,
            _ => return Err(refused()),
        });
        match tail.trim_start().strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if tail.trim().is_empty() => return Ok(grantees),
            None => return Err(refused()),
        }
    }
}

fn unrecognised(header: &str, text: &str) -> S3Error {
    S3Error::argument("Argument format not recognized", header, text)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::request::query::Query;

    fn asked(headers: &[(&str, &str)]) -> S3Result<Asked> {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        Asked::in_headers(&Head::new(parts, Query::default()).unwrap(), On::Object)
    }

    fn grant(grantee: NamedGrantee, permission: Permission) -> AskedGrant {
        AskedGrant { grantee, permission }
    }

    #[test]
    fn headers_grant_in_a_fixed_order_with_or_without_quotes() {
        let id = |text: &str| NamedGrantee::Id(text.into());
        let headers = [
            ("x-amz-grant-full-control", "id=b"),
            (
                "x-amz-grant-read",
                "id=\"a,=1\" , emailAddress=\"m@x\",URI=\"http://acs.amazonaws.com/groups/global/AllUsers\"",
            ),
        ];
        let expected = vec![
            grant(id("a,=1"), Permission::Read),
            grant(NamedGrantee::Email("m@x".into()), Permission::Read),
            grant(NamedGrantee::Group(Group::AllUsers), Permission::Read),
            grant(id("b"), Permission::FullControl),
        ];
        assert_eq!(asked(&headers), Ok(Asked::Grants(expected)));
        assert_eq!(asked(&[]), Ok(Asked::Nothing));
        assert_eq!(asked(&[("x-amz-acl", "public-read")]), Ok(Asked::Canned(Canned::PublicRead)));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for bad in ["a", "id=", "id=\"a", "id=\"a\"b", "name=a", "id=a,", "id=\"\"", "uri=http://x"]
        {
            let error = asked(&[("x-amz-grant-read", bad)]).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{bad}");
        }
        let unknown = asked(&[("x-amz-grant-everything", "id=a")]).unwrap_err();
        assert_eq!(unknown.code(), ErrorCode::InvalidArgument);
        assert_eq!(asked(&[("x-amz-acl", "x")]).unwrap_err().code(), ErrorCode::InvalidArgument);
        let both = asked(&[("x-amz-acl", "private"), ("x-amz-grant-read", "id=a")]);
        assert_eq!(both.unwrap_err().code(), ErrorCode::InvalidRequest);
        let many = vec!["id=a"; GRANTS_MAX + 1].join(",");
        let many = asked(&[("x-amz-grant-read", &many)]).unwrap_err();
        assert_eq!(many.code(), ErrorCode::MalformedACLError);
    }

    #[test]
    fn a_document_names_its_owner_and_at_most_a_hundred_grants() {
        let document = |grants: &str| {
            format!(
                "<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"
            )
        };
        let one = |grantee: &str, permission: &str| {
            format!(
                "<Grant><Grantee>{grantee}</Grantee><Permission>{permission}</Permission></Grant>"
            )
        };
        let whole = |body: &str| Asked::Nothing.whole(body.as_bytes(), "me");
        let id = one("<ID>a</ID><DisplayName>A</DisplayName>", "READ");
        let expected = vec![grant(NamedGrantee::Id("a".into()), Permission::Read)];
        assert_eq!(whole(&document(&id)), Ok(Asked::Grants(expected)));
        assert_eq!(whole(&document("")), Ok(Asked::Grants(vec![])), "nobody");
        assert!(whole(&document(&id.repeat(GRANTS_MAX))).is_ok());
        for bad in [
            document(&id.repeat(GRANTS_MAX + 1)),
            document(&one("<ID>a</ID>", "read")),
            document(&one("<ID>a</ID><URI>b</URI>", "READ")),
            document(&one("", "READ")),
            document("<Grant><Permission>READ</Permission></Grant>"),
            document("<X/>"),
            document("").replace("<Owner><ID>me</ID></Owner>", ""),
            "<AccessControlPolicy>".into(),
            "<X/>".into(),
        ] {
            let error = whole(&bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::MalformedACLError, "{bad}");
        }
        let group = document(&one("<URI>http://x</URI>", "READ"));
        assert_eq!(whole(&group).unwrap_err().code(), ErrorCode::InvalidArgument);
        let other = document("").replace("me", "you");
        assert_eq!(whole(&other).unwrap_err().code(), ErrorCode::AccessDenied);
        let canned = Asked::Canned(Canned::Private);
        assert!(canned.clone().whole(b"", "me").is_ok());
        let twice = canned.whole(id.as_bytes(), "me").unwrap_err();
        assert_eq!(twice.code(), ErrorCode::UnexpectedContent);
        let nothing = Asked::Nothing.whole(b"", "me").unwrap_err();
        assert_eq!(nothing.code(), ErrorCode::MissingSecurityHeader);
    }
}
