//! `AccessControlPolicy`: the document of an ACL, in requests and as it is kept.
//!
//! Guarantees: a request's document that is not one is `MalformedACLError`; what is kept names
//! accounts by canonical id only.
//! Does not: look at `xsi:type`; the grantee's child says what it is.

use object_engine::model::AccountId;

use super::{Acl, AskedGrant, GRANTS_MAX, Grant, Grantee, Group, NamedGrantee, Permission};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    xml::{Element, XmlWriter},
};

const ROOT: &str = "AccessControlPolicy";
const LIST: &str = "AccessControlList";

/// `400 MalformedACLError`.
pub(crate) fn malformed_acl() -> S3Error {
    ErrorCode::MalformedACLError.into()
}

/// The owner that a request's document names, and its grants.
pub(super) fn parse(body: &[u8]) -> S3Result<(String, Vec<AskedGrant>)> {
    let parsed = || {
        let root = Element::parse(body, ROOT).ok()?;
        root.only(&["Owner", LIST]).ok()?;
        let owner = only(&root, "Owner")?;
        owner.only(&["ID", "DisplayName"]).ok()?;
        Some((owner.required("ID").ok()?.trim().to_owned(), only(&root, LIST)?.clone()))
    };
    let (owner, list) = parsed().ok_or_else(malformed_acl)?;
    if list.children().len() > GRANTS_MAX || list.only(&["Grant"]).is_err() {
        return Err(malformed_acl());
    }
    let grants = list.children().iter().map(grant).collect::<S3Result<_>>()?;
    Ok((owner, grants))
}

/// The one child of this name.
fn only<'e>(element: &'e Element, name: &str) -> Option<&'e Element> {
    let mut named = element.children().iter().filter(|child| child.name() == name);
    match (named.next(), named.next()) {
        (Some(child), None) => Some(child),
        _ => None,
    }
}

fn grant(element: &Element) -> S3Result<AskedGrant> {
    let parts = || {
        element.only(&["Grantee", "Permission"]).ok()?;
        let permission = element.required("Permission").ok()?.trim();
        let permission = Permission::ALL.into_iter().find(|known| known.name() == permission)?;
        Some((only(element, "Grantee")?, permission))
    };
    let (grantee, permission) = parts().ok_or_else(malformed_acl)?;
    Ok(AskedGrant { grantee: named(grantee)?, permission })
}

fn named(grantee: &Element) -> S3Result<NamedGrantee> {
    let text = |name| grantee.optional(name).map_err(|_| malformed_acl());
    grantee.only(&["ID", "DisplayName", "EmailAddress", "URI"]).map_err(|_| malformed_acl())?;
    match (text("ID")?, text("EmailAddress")?, text("URI")?) {
        (Some(id), None, None) => Ok(NamedGrantee::Id(id.trim().to_owned())),
        (None, Some(email), None) => Ok(NamedGrantee::Email(email.trim().to_owned())),
        (None, None, Some(uri)) => NamedGrantee::group(uri.trim(), "Group/URI"),
        _ => Err(malformed_acl()),
    }
}

/// An ACL as it is kept.
pub(super) fn kept(acl: &Acl) -> String {
    let mut writer = XmlWriter::bare(LIST);
    for grant in acl.grants() {
        writer.inside("Grant", |element| {
            element.inside("Grantee", |grantee| {
                match &grant.grantee {
                    Grantee::User(id) => grantee.text("ID", &id.0),
                    Grantee::Group(group) => grantee.text("URI", group.uri()),
                };
            });
            element.text("Permission", grant.permission.name());
        });
    }
    writer.finish()
}

/// Reads what [`kept`] wrote.
pub(super) fn read_kept(text: &str) -> Option<Acl> {
    let list = Element::parse(text.as_bytes(), LIST).ok()?;
    let grants = list.children().iter().map(|element| {
        let permission = element.required("Permission").ok()?;
        let permission = Permission::ALL.into_iter().find(|known| known.name() == permission)?;
        let grantee = only(element, "Grantee")?;
        let grantee = match (grantee.optional("ID").ok()?, grantee.optional("URI").ok()?) {
            (Some(id), None) => Grantee::User(AccountId(id.to_owned())),
            (None, Some(uri)) => Grantee::Group(Group::from_uri(uri)?),
            _ => return None,
        };
        Some(Grant { grantee, permission })
    });
    Some(Acl::new(grants.collect::<Option<_>>()?))
}
