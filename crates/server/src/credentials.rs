//! Root's credentials: from the environment, or from a file that first start makes.
//!
//! Guarantees: the file is in the AWS shared-credentials format with mode 0600, so that clients can be
//! pointed at it; secrets print as `..` and are wiped on drop. Does not: know other users; they are in
//! the catalog.

use std::{fmt, path::Path, path::PathBuf};

use zeroize::Zeroizing;

use crate::{
    data_dir::{DataDir, cannot, create_secret, fill_random},
    failure::Failure,
};

/// An access key with its secret in clear.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// The public id.
    pub(crate) access_key: String,
    /// The secret.
    pub(crate) secret_key: Zeroizing<String>,
}

/// Root's credentials and where a client finds them.
#[derive(Debug)]
pub(crate) struct RootCredentials {
    /// The pair.
    pub(crate) credentials: Credentials,
    /// The file that they stand in; `None`: they came from the environment.
    pub(crate) file: Option<PathBuf>,
}

impl Credentials {
    /// Checks a pair that somebody chose.
    pub(crate) fn parse(access_key: &str, secret_key: &str) -> Result<Self, &'static str> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.+=@".contains(&byte);
        if !(ACCESS_KEY_BYTES_MIN..=128).contains(&access_key.len())
            || !access_key.bytes().all(token)
        {
            return Err("an access key has 3 to 128 letters, digits or _-.+=@");
        }
        if !(SECRET_KEY_BYTES_MIN..=128).contains(&secret_key.len())
            || !secret_key.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err("a secret key has 16 to 128 printable ASCII characters without spaces");
        }
        Ok(Self {
            access_key: access_key.to_owned(),
            secret_key: Zeroizing::new(secret_key.to_owned()),
        })
    }

    /// Draws a pair: 18 characters of 5 bits behind `SR`, and 40 of nearly 6 bits.
    pub(crate) fn generate() -> Result<Self, Failure> {
        let access_key = format!("SR{}", random_text(18, BASE32)?.as_str());
        Ok(Self { access_key, secret_key: random_text(40, ALPHANUMERIC)? })
    }

    /// The pair in the AWS shared-credentials format.
    pub(crate) fn to_ini(&self, profile: &str) -> Zeroizing<String> {
        Zeroizing::new(format!(
            "[{profile}]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            self.access_key,
            self.secret_key.as_str()
        ))
    }

    /// Reads the first pair of a file in the AWS shared-credentials format.
    fn from_ini(text: &str) -> Result<Self, &'static str> {
        let value = |name: &str| {
            let mut pairs = text.lines().filter_map(|line| line.split_once('='));
            pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
        };
        let access_key = value("aws_access_key_id").ok_or("it has no aws_access_key_id")?;
        let secret_key = value("aws_secret_access_key").ok_or("it has no aws_secret_access_key")?;
        Self::parse(access_key, secret_key)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ..)", self.access_key)
    }
}

impl RootCredentials {
    /// From the environment if it names them, else from the data directory, where they are made once.
    pub(crate) fn load(data: &DataDir) -> Result<Self, Failure> {
        let pair = (variable(ACCESS_KEY_VARIABLE)?, variable(SECRET_KEY_VARIABLE)?);
        match pair {
            (Some(access_key), Some(secret_key)) => {
                let credentials = Credentials::parse(&access_key, &secret_key).map_err(|why| {
                    let names = format!("{ACCESS_KEY_VARIABLE} and {SECRET_KEY_VARIABLE}");
                    Failure::wrong_usage(format!("{names} are not valid")).detail(why)
                })?;
                Ok(Self { credentials, file: None })
            }
            (None, None) => Self::from_file(data.path().join("credentials")),
            _ => Err(Failure::wrong_usage(format!(
                "{ACCESS_KEY_VARIABLE} and {SECRET_KEY_VARIABLE} go together"
            ))),
        }
    }

    /// Root's access key as far as a command beside the server can know it; makes nothing.
    pub(crate) fn access_key_if_made(data: &DataDir) -> Result<Option<String>, Failure> {
        let in_environment = variable(ACCESS_KEY_VARIABLE)?.map(|id| id.as_str().to_owned());
        let path = data.path().join("credentials");
        if in_environment.is_some() || !path.exists() {
            return Ok(in_environment);
        }
        Ok(Some(Self::from_file(path)?.credentials.access_key))
    }

    fn from_file(path: PathBuf) -> Result<Self, Failure> {
        let credentials = match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse_file(&path, &Zeroizing::new(text))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = Credentials::generate()?;
                create_secret(&path, made.to_ini("default").as_bytes())?;
                made
            }
            Err(error) => return Err(cannot("read", &path, error)),
        };
        Ok(Self { credentials, file: Some(path) })
    }

    fn parse_file(path: &Path, text: &str) -> Result<Credentials, Failure> {
        Credentials::from_ini(text).map_err(|why| {
            Failure::failed(format!("the credentials file {} is not valid", path.display()))
                .detail(why)
                .hint("remove it to have new root credentials made at the next start")
        })
    }
}

fn variable(name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(Zeroizing::new(value))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::wrong_usage(format!("{name} is not valid UTF-8")))
        }
    }
}

/// `count` characters of `alphabet`, each equally likely: bytes that would favour some are drawn again.
fn random_text(count: usize, alphabet: &[u8]) -> Result<Zeroizing<String>, Failure> {
    let fair = 256 - 256 % alphabet.len();
    let mut text = Zeroizing::new(String::with_capacity(count));
    let mut drawn = Zeroizing::new([0; 64]);
    while text.len() < count {
        fill_random(&mut *drawn)?;
        let usable = drawn.iter().map(|byte| usize::from(*byte)).filter(|value| *value < fair);
        for value in usable.take(count - text.len()) {
            text.push(char::from(alphabet[value % alphabet.len()]));
        }
    }
    Ok(text)
}

/// AWS allows no shorter ones for temporary keys either; three characters suit test rigs.
const ACCESS_KEY_BYTES_MIN: usize = 3;
/// A shorter secret can be guessed offline from one signature.
const SECRET_KEY_BYTES_MIN: usize = 16;
/// Root's access key, if the environment gives it.
pub(crate) const ACCESS_KEY_VARIABLE: &str = "STRONGROOM_ROOT_ACCESS_KEY";
/// Its secret.
pub(crate) const SECRET_KEY_VARIABLE: &str = "STRONGROOM_ROOT_SECRET_KEY";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// No `/` or `+`, which clients have mangled in URLs and configuration files.
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_pair_survives_its_file() {
        let made = Credentials::generate().unwrap();
        let read = Credentials::from_ini(&made.to_ini("default")).unwrap();
        assert_eq!(read.access_key, made.access_key);
        assert_eq!(*read.secret_key, *made.secret_key);
        assert_eq!((made.access_key.len(), made.secret_key.len()), (20, 40));
        assert_ne!(*Credentials::generate().unwrap().secret_key, *made.secret_key);
    }

    #[test]
    fn a_secret_does_not_print() {
        let pair = Credentials::parse("root", "correct horse battery".replace(' ', "-").as_str());
        assert_eq!(format!("{:?}", pair.unwrap()), "Credentials(root, ..)");
    }

    #[test]
    fn weak_or_malformed_pairs_are_refused() {
        let long = "s".repeat(16);
        for (access, secret) in
            [("ab", &*long), ("a b c", &long), ("abc", "short"), ("abc", "a b c d e f g h i")]
        {
            assert!(Credentials::parse(access, secret).is_err(), "{access} {secret}");
        }
        assert!(Credentials::from_ini("[default]\naws_access_key_id = abc\n").is_err());
    }
}
