//! Whom a statement of a bucket policy is about.
//!
//! An account is named by its canonical id, by its name, by `arn:aws:iam::<anything>:user/<name or id>`
//! or by `arn:aws:iam::<name or id>:root`: there is one account a user, so AWS's account number says
//! nothing here.
//!
//! Guarantees: wildcards in a principal are refused but for `*` alone, as on AWS.
//! Does not: check that an account exists; a policy may come before its users.

use object_engine::model::AccountId;

use super::{
    error::PolicyError,
    json::{Fields, Json},
};

/// What root is called in policies.
pub(super) const ROOT: &str = "root";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller<'a> {
    /// Nobody who says so.
    Anonymous,
    /// An account.
    Account {
        /// Its canonical id.
        id: &'a AccountId,
        /// Its name.
        name: &'a str,
    },
    /// The holder of the root credentials.
    Root {
        /// Its canonical id.
        id: &'a AccountId,
    },
}

impl<'a> Caller<'a> {
    /// The canonical id.
    pub fn id(&self) -> Option<&'a AccountId> {
        match *self {
            Self::Anonymous => None,
            Self::Account { id, .. } | Self::Root { id } => Some(id),
        }
    }

    /// The name by which policies know the caller.
    fn name(&self) -> Option<&'a str> {
        match *self {
            Self::Anonymous => None,
            Self::Account { name, .. } => Some(name),
            Self::Root { .. } => Some(ROOT),
        }
    }

    /// `aws:PrincipalArn`.
    pub fn arn(&self) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::Account { id, name } => Some(format!("arn:aws:iam::{}:user/{name}", id.0)),
            Self::Root { id } => Some(format!("arn:aws:iam::{}:root", id.0)),
        }
    }
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principals {
    Only(Vec<Named>),
    AllBut(Vec<Named>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Everyone,
    /// By canonical id.
    Canonical(String),
    /// By canonical id or name.
    Account(String),
    /// A service or an identity provider of AWS: nobody here.
    Nobody,
}

impl Principals {
    /// Takes the element out of a statement.
    pub(super) fn take(fields: &mut Fields) -> Result<Option<Self>, PolicyError> {
        match (fields.take("Principal"), fields.take("NotPrincipal")) {
            (None, None) => Ok(None),
            (Some(json), None) => Ok(Some(Self::Only(Named::list(json)?))),
            (None, Some(json)) => Ok(Some(Self::AllBut(Named::list(json)?))),
            (Some(_), Some(_)) => Err(PolicyError::Syntax),
        }
    }

    /// Whether they include the caller.
    pub(super) fn include(&self, caller: &Caller<'_>) -> bool {
        let named = |list: &[Named]| list.iter().any(|named| named.is(caller));
        match self {
            Self::Only(list) => named(list),
            Self::AllBut(list) => !named(list),
        }
    }

    /// Whether they are everybody but some.
    pub(super) fn are_all_but(&self) -> bool {
        matches!(self, Self::AllBut(_))
    }

    /// Whether they are a closed list of known names.
    pub(super) fn are_fixed(&self) -> bool {
        matches!(self, Self::Only(list) if !list.contains(&Named::Everyone))
    }
}

impl Named {
    fn list(json: Json) -> Result<Vec<Self>, PolicyError> {
        match json {
            Json::Scalar(text) if text == "*" => Ok(vec![Self::Everyone]),
            Json::Object(kinds) if !kinds.is_empty() => {
                let lists: Vec<_> = kinds
                    .into_iter()
                    .map(|(kind, names)| Self::of_kind(&kind, names))
                    .collect::<Result<_, _>>()?;
                Ok(lists.into_iter().flatten().collect())
            }
            _ => Err(PolicyError::InvalidPrincipal),
        }
    }

    fn of_kind(kind: &str, names: Json) -> Result<Vec<Self>, PolicyError> {
        let names = names.into_texts().map_err(|_| PolicyError::InvalidPrincipal)?;
        let parse = match kind {
            "AWS" => Self::aws,
            "CanonicalUser" => |name: &str| plain(name).map(Self::Canonical),
            "Service" | "Federated" => |name: &str| plain(name).map(|_| Self::Nobody),
            _ => return Err(PolicyError::InvalidPrincipal),
        };
        names.iter().map(|name| parse(name).ok_or(PolicyError::InvalidPrincipal)).collect()
    }

    fn aws(name: &str) -> Option<Self> {
        if name == "*" {
            return Some(Self::Everyone);
        }
        if !name.starts_with("arn:") {
            return plain(name).map(Self::Account);
        }
        let sections: Vec<_> = name.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = *sections else { return None };
        if !matches!(partition, "aws" | "aws-cn" | "aws-us-gov") {
            return None;
        }
        let named = match resource {
            "root" => account,
            user => user.strip_prefix("user/")?.rsplit('/').next()?,
        };
        plain(account).or_else(|| account.is_empty().then(String::new))?;
        plain(named).map(Self::Account)
    }

    fn is(&self, caller: &Caller<'_>) -> bool {
        let id = caller.id().map(|id| id.0.as_str());
        match self {
            Self::Everyone => true,
            Self::Canonical(named) => id == Some(named),
            Self::Account(named) => id == Some(named) || caller.name() == Some(named),
            Self::Nobody => false,
        }
    }
}

/// A name without wildcards and blanks.
fn plain(name: &str) -> Option<String> {
    let sound = !name.is_empty() && !name.contains(['*', '?']) && !name.contains(char::is_control);
    sound.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principals(field: &str, json: &str) -> Result<Principals, PolicyError> {
        let json = serde_json::from_str(json).unwrap();
        let mut fields = Fields(vec![(field.to_owned(), json)]);
        Ok(Principals::take(&mut fields)?.unwrap())
    }

    #[test]
    fn accounts_have_several_names() {
        let id = AccountId("a1".repeat(32));
        let alice = Caller::Account { id: &id, name: "alice" };
        let other = AccountId("b2".repeat(32));
        let bob = Caller::Account { id: &other, name: "bob" };
        for json in [
            r#"{"AWS": "arn:aws:iam::123456789012:user/alice"}"#,
            r#"{"AWS": "arn:aws:iam:::user/alice"}"#,
            r#"{"AWS": ["x", "arn:aws:iam:::user/team/alice"]}"#,
            r#"{"AWS": "alice"}"#,
            r#"{"AWS": "arn:aws:iam::alice:root"}"#,
            &format!(r#"{{"AWS": "{}"}}"#, id.0),
            &format!(r#"{{"AWS": "arn:aws:iam::{}:root"}}"#, id.0),
            &format!(r#"{{"AWS": "arn:aws:iam:::user/{}"}}"#, id.0),
            &format!(r#"{{"CanonicalUser": "{}"}}"#, id.0),
        ] {
            let only = principals("Principal", json).unwrap();
            assert!(only.include(&alice) && only.are_fixed(), "{json}");
            assert!(!only.include(&bob) && !only.include(&Caller::Anonymous), "{json}");
            let all_but = principals("NotPrincipal", json).unwrap();
            assert!(!all_but.include(&alice) && !all_but.are_fixed(), "{json}");
            assert!(all_but.include(&bob) && all_but.include(&Caller::Anonymous), "{json}");
        }
        let by_name = principals("Principal", r#"{"CanonicalUser": "alice"}"#).unwrap();
        assert!(!by_name.include(&alice), "a canonical user is named by id only");
        assert_eq!(bob.arn().unwrap(), format!("arn:aws:iam::{}:user/bob", other.0));
    }

    #[test]
    fn an_account_whose_id_is_a_number_is_named_as_on_aws() {
        let id = AccountId("123456789012".into());
        let account = Caller::Account { id: &id, name: "backup" };
        for (json, included) in [
            (r#"{"AWS": "123456789012"}"#, true),
            (r#"{"AWS": "arn:aws:iam::123456789012:root"}"#, true),
            (r#"{"CanonicalUser": "123456789012"}"#, true),
            (r#"{"AWS": "210987654321"}"#, false),
            (r#"{"AWS": "arn:aws:iam::210987654321:root"}"#, false),
        ] {
            assert_eq!(
                principals("Principal", json).unwrap().include(&account),
                included,
                "{json}"
            );
        }
    }

    #[test]
    fn everyone_is_everyone_and_services_are_nobody() {
        let id = AccountId("r".into());
        let root = Caller::Root { id: &id };
        for json in [r#""*""#, r#"{"AWS": "*"}"#, r#"{"AWS": ["*", "x"]}"#] {
            let everyone = principals("Principal", json).unwrap();
            assert!(everyone.include(&root) && everyone.include(&Caller::Anonymous));
            assert!(!everyone.are_fixed());
        }
        let service = r#"{"Service": "logging.s3.amazonaws.com"}"#;
        assert!(!principals("Principal", service).unwrap().include(&root));
        let named = r#"{"AWS": "arn:aws:iam::r:root"}"#;
        assert!(principals("Principal", named).unwrap().include(&root));
        assert_eq!(root.arn().unwrap(), "arn:aws:iam::r:root");
    }

    #[test]
    fn other_principals_are_refused() {
        for bad in [
            r#""alice""#,
            r#"["*"]"#,
            "{}",
            "null",
            r#"{"AWS": []}"#,
            r#"{"AWS": ""}"#,
            r#"{"AWS": "ali*"}"#,
            r#"{"AWS": "arn:aws:iam::*:user/alice"}"#,
            r#"{"AWS": "arn:aws:iam:::user/"}"#,
            r#"{"AWS": "arn:aws:iam:::root"}"#,
            r#"{"AWS": "arn:aws:iam:::role/x"}"#,
            r#"{"AWS": "arn:aws:s3:::bucket"}"#,
            r#"{"CanonicalUser": "*"}"#,
            r#"{"Aws": "alice"}"#,
        ] {
            let parsed = principals("Principal", bad);
            assert_eq!(parsed, Err(PolicyError::InvalidPrincipal), "{bad}");
        }
    }
}
