//! A signature of version 4 as a request states it, read from the `Authorization` header or from a
//! presigned query; and which version a request is signed by.
//!
//! Guarantees: a [`Claim`] is well-formed, for this region and service, and its credential's date is
//! the day of its time. Does not: prove anything; [`super::Verifier::verify`] does.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, DATE};

use super::canonical::query_pairs;
use super::encoding::{decode_text, pieces};
use super::error::{CredentialProblem, QueryProblem, SignatureError};
use super::time::{SignedTime, is_day};
use super::version_2::Version2;
use super::{Claim, RequestHead, SERVICE, TERMINAL};

/// Version 4's algorithm.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Version 4A: known, and refused by name.
const ASYMMETRIC_ALGORITHM: &str = "AWS4-ECDSA-P256-SHA256";
/// Seven days, in seconds: S3's limit on the life of a presigned URL.
const EXPIRES_SECONDS_MAX: u64 = 604_800;
/// Signed headers in one signature. A request has at most 100 headers; more names only cost time.
const SIGNED_HEADERS_MAX: usize = 256;

/// A signature of version 4 that was read and not yet checked.
#[derive(Debug)]
pub struct Version4<'a> {
    pub(super) access_key_id: Cow<'a, str>,
    pub(super) time: SignedTime,
    /// `host;x-amz-date`, as signed.
    pub(super) signed_headers: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
    /// The value in the place of the payload's hash.
    pub(super) payload: Cow<'a, str>,
    /// The life of a presigned URL in seconds; `None` if the signature is in a header.
    pub(super) expires: Option<u64>,
}

impl Version4<'_> {
    /// Whether the signature is in the query.
    pub(super) fn is_presigned(&self) -> bool {
        self.expires.is_some()
    }

    /// Whether the header of this name (lower case) is signed.
    pub(super) fn covers(&self, name: &str) -> bool {
        pieces(&self.signed_headers, b';').any(|signed| signed == name)
    }
}

/// Reads the signature of a request; `None` if it has none.
pub(super) fn read<'a>(
    head: &RequestHead<'a>,
    region: &str,
    takes_version_2: bool,
) -> Result<Option<Claim<'a>>, SignatureError> {
    let parameters = Parameters::read(head.query)?;
    let mut headers = head.headers.get_all(AUTHORIZATION).iter();
    match (headers.next(), headers.next()) {
        (None, _) if parameters.version_2 && !takes_version_2 => {
            Err(SignatureError::MechanismUnsupported)
        }
        (None, _) if parameters.version_2 && parameters.version_4 => {
            Err(SignatureError::MechanismRepeated)
        }
        (None, _) if parameters.version_2 => {
            Version2::presigned(head).map(|claim| Some(Claim::Version2(claim)))
        }
        (None, _) if parameters.version_4 => {
            presigned(head, parameters, region).map(|claim| Some(Claim::Version4(claim)))
        }
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(SignatureError::MechanismRepeated),
        (Some(_), None) if parameters.version_2 || parameters.version_4 => {
            Err(SignatureError::MechanismRepeated)
        }
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| unsupported_type(""))?;
            in_header(head, text, region, takes_version_2).map(Some)
        }
    }
}

fn unsupported_type(scheme: &str) -> SignatureError {
    SignatureError::AuthorizationTypeUnsupported { scheme: scheme.to_owned() }
}

fn in_header<'a>(
    head: &RequestHead<'a>,
    text: &'a str,
    region: &str,
    takes_version_2: bool,
) -> Result<Claim<'a>, SignatureError> {
    let text = text.trim();
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    match scheme {
        ALGORITHM => version_4_in_header(head, rest, region).map(Claim::Version4),
        ASYMMETRIC_ALGORITHM => {
            Err(SignatureError::AsymmetricUnsupported { header: "Authorization" })
        }
        "AWS" if takes_version_2 => Version2::in_header(head, rest).map(Claim::Version2),
        "AWS" => Err(SignatureError::MechanismUnsupported),
        _ => Err(unsupported_type(scheme)),
    }
}

fn version_4_in_header<'a>(
    head: &RequestHead<'a>,
    text: &'a str,
    region: &str,
) -> Result<Version4<'a>, SignatureError> {
    let malformed = SignatureError::AuthorizationHeaderMalformed;
    let [credential, signed_headers, signature] = components(text).map_err(malformed)?;
    let credential = Credential::parse(credential, region).map_err(malformed)?;
    check_signed_headers(signed_headers)
        .ok_or_else(|| malformed(CredentialProblem::SignedHeaders(signed_headers.to_owned())))?;
    if head.headers.contains_key("x-amz-security-token") {
        return Err(SignatureError::SecurityTokenUnsupported);
    }
    let time = header_time(head).ok_or(SignatureError::DateMissing)?;
    if time.day() != credential.day {
        return Err(malformed(CredentialProblem::Date));
    }
    let payload = content_sha256(head)?.ok_or(SignatureError::ContentSha256Missing)?;
    Ok(Version4 {
        access_key_id: credential.access_key_id.into(),
        time,
        signed_headers: signed_headers.into(),
        signature: signature.into(),
        payload: payload.into(),
        expires: None,
    })
}

/// `Credential`, `SignedHeaders` and `Signature`, in whatever order they were sent.
fn components(text: &str) -> Result<[&str; 3], CredentialProblem> {
    let mut found = [None; 3];
    for component in text.split(',') {
        let component = component.trim();
        let malformed = || CredentialProblem::Component(component.to_owned());
        let (name, value) = component.split_once('=').ok_or_else(malformed)?;
        let place = match name {
            "Credential" => &mut found[0],
            "SignedHeaders" => &mut found[1],
            "Signature" => &mut found[2],
            _ => return Err(CredentialProblem::Components),
        };
        if place.replace(value).is_some() {
            return Err(CredentialProblem::Components);
        }
    }
    Ok([
        found[0].ok_or(CredentialProblem::MissingCredential)?,
        found[1].ok_or(CredentialProblem::MissingSignedHeaders)?,
        found[2].ok_or(CredentialProblem::MissingSignature)?,
    ])
}

/// `x-amz-date`, else `Date`. An unreadable or repeated `x-amz-date` is not passed over.
fn header_time(head: &RequestHead<'_>) -> Option<SignedTime> {
    let mut dates = head.headers.get_all("x-amz-date").iter();
    match (dates.next(), dates.next()) {
        (Some(date), None) => SignedTime::parse(date.as_bytes()),
        (Some(_), Some(_)) => None,
        (None, _) => head.headers.get(DATE)?.to_str().ok().and_then(SignedTime::parse_http_date),
    }
}

/// The header `x-amz-content-sha256`, at most one.
pub(super) fn content_sha256<'a>(
    head: &RequestHead<'a>,
) -> Result<Option<&'a str>, SignatureError> {
    let mut values = head.headers.get_all("x-amz-content-sha256").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or("");
    if values.next().is_some() || text.is_empty() {
        return Err(SignatureError::ContentSha256Invalid { value: text.to_owned() });
    }
    Ok(Some(text))
}

/// The list is lower case, has `host`, and no name that is empty or stands twice: each repetition would
/// write the header's value once more.
fn check_signed_headers(list: &str) -> Option<()> {
    let (mut host, mut sorted, mut before) = (false, true, "");
    for (index, name) in pieces(list, b';').enumerate() {
        let lower = name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase());
        if name.is_empty() || !lower || index >= SIGNED_HEADERS_MAX {
            return None;
        }
        host |= name == "host";
        sorted &= before < name;
        before = name;
    }
    (host && (sorted || has_no_repetition(list))).then_some(())
}

/// For the few clients that do not sort.
fn has_no_repetition(list: &str) -> bool {
    let mut names: Vec<&str> = pieces(list, b';').collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

/// The parts of `AKID/YYYYMMDD/REGION/s3/aws4_request` that are not given.
pub(super) struct Credential<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) day: &'a str,
}

impl<'a> Credential<'a> {
    pub(super) fn parse(text: &'a str, region: &str) -> Result<Self, CredentialProblem> {
        // From the right, since nothing forbids a slash in an access key's id.
        let mut parts = text.rsplitn(5, '/');
        let [Some(terminal), Some(service), Some(theirs), Some(day), Some(access_key_id)] =
            std::array::from_fn(|_| parts.next())
        else {
            return Err(CredentialProblem::Credential);
        };
        if access_key_id.is_empty() {
            return Err(CredentialProblem::Credential);
        }
        if service != SERVICE {
            return Err(CredentialProblem::Service(service.to_owned()));
        }
        if terminal != TERMINAL {
            return Err(CredentialProblem::Terminal(terminal.to_owned()));
        }
        if !is_day(day) {
            return Err(CredentialProblem::DateFormat(day.to_owned()));
        }
        if theirs != region {
            let (actual, expected) = (theirs.to_owned(), region.to_owned());
            return Err(CredentialProblem::Region { actual, expected });
        }
        Ok(Self { access_key_id, day })
    }
}

/// The authentication parameters of a query, raw.
#[derive(Default)]
struct Parameters<'a> {
    algorithm: Option<&'a str>,
    credential: Option<&'a str>,
    date: Option<&'a str>,
    expires: Option<&'a str>,
    signature: Option<&'a str>,
    signed_headers: Option<&'a str>,
    security_token: Option<&'a str>,
    content_sha256: Option<&'a str>,
    version_2: bool,
    version_4: bool,
}

impl<'a> Parameters<'a> {
    fn read(query: &'a str) -> Result<Self, SignatureError> {
        let mut found = Self::default();
        let [mut key_id, mut signature] = [false; 2];
        for (name, value) in query_pairs(query) {
            let (place, known) = match name {
                "X-Amz-Algorithm" => (&mut found.algorithm, "X-Amz-Algorithm"),
                "X-Amz-Credential" => (&mut found.credential, "X-Amz-Credential"),
                "X-Amz-Date" => (&mut found.date, "X-Amz-Date"),
                "X-Amz-Expires" => (&mut found.expires, "X-Amz-Expires"),
                "X-Amz-Signature" => (&mut found.signature, "X-Amz-Signature"),
                "X-Amz-SignedHeaders" => (&mut found.signed_headers, "X-Amz-SignedHeaders"),
                "X-Amz-Security-Token" => (&mut found.security_token, "X-Amz-Security-Token"),
                _ if name.eq_ignore_ascii_case("x-amz-content-sha256") => {
                    (&mut found.content_sha256, "X-Amz-Content-Sha256")
                }
                _ => {
                    key_id |= name == "AWSAccessKeyId";
                    signature |= name == "Signature";
                    continue;
                }
            };
            if place.replace(value).is_some() {
                let repeated = QueryProblem::Repeated(known);
                return Err(SignatureError::AuthorizationQueryParameters(repeated));
            }
        }
        found.version_2 = key_id && signature;
        found.version_4 =
            found.algorithm.is_some() || found.credential.is_some() || found.signature.is_some();
        Ok(found)
    }
}

fn presigned<'a>(
    head: &RequestHead<'a>,
    parameters: Parameters<'a>,
    region: &str,
) -> Result<Version4<'a>, SignatureError> {
    let problem = SignatureError::AuthorizationQueryParameters;
    let required =
        |value: Option<&'a str>| value.and_then(decode_text).ok_or(problem(QueryProblem::Missing));
    match required(parameters.algorithm)?.as_ref() {
        ALGORITHM => {}
        ASYMMETRIC_ALGORITHM => {
            return Err(SignatureError::AsymmetricUnsupported { header: "X-Amz-Algorithm" });
        }
        _ => return Err(problem(QueryProblem::Algorithm)),
    }
    let credential_text = required(parameters.credential)?;
    let date = required(parameters.date)?;
    let expires = required(parameters.expires)?;
    let signed_headers = required(parameters.signed_headers)?;
    let signature = required(parameters.signature)?;
    let credential = Credential::parse(&credential_text, region)
        .map_err(|error| problem(QueryProblem::Credential(error)))?;
    let time = SignedTime::parse(date.as_bytes()).ok_or(problem(QueryProblem::Date))?;
    if time.day() != credential.day {
        let (credential, request) = (credential.day.to_owned(), time.day().to_owned());
        return Err(problem(QueryProblem::CredentialDate { credential, request }));
    }
    let expires = parse_expires(&expires).map_err(problem)?;
    check_signed_headers(&signed_headers).ok_or(problem(QueryProblem::SignedHeaders))?;
    if parameters.security_token.is_some() || head.headers.contains_key("x-amz-security-token") {
        return Err(SignatureError::SecurityTokenUnsupported);
    }
    let payload = match parameters.content_sha256 {
        Some(value) => decode_text(value).unwrap_or_default(),
        None => content_sha256(head)?.unwrap_or("UNSIGNED-PAYLOAD").into(),
    };
    let access_key_id = Cow::Owned(credential.access_key_id.to_owned());
    Ok(Version4 { access_key_id, time, signed_headers, signature, payload, expires: Some(expires) })
}

fn parse_expires(text: &str) -> Result<u64, QueryProblem> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(QueryProblem::ExpiresNotANumber);
    }
    if digits.len() < text.len() {
        return Err(QueryProblem::ExpiresNegative);
    }
    match digits.parse() {
        Ok(seconds) if seconds <= EXPIRES_SECONDS_MAX => Ok(seconds),
        _ => Err(QueryProblem::ExpiresTooLarge),
    }
}
