//! Who signed a form's policy.
//!
//! Guarantees: a principal other than `Anonymous` comes only from a verified signature over the policy
//! as it was sent. A form that has some of a signature's fields has all of them.
//! Does not: read the policy, or show it: it may pin a customer's key.

use super::{Form, head::text};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    identity::{Credential, Principal},
    service::Inner,
    signature::{CredentialProblem, FormCredential, FormProblem, SignatureError},
};

/// Version 4's fields, in the order in which S3 misses them.
const V4: [&str; 4] = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"];
/// Version 2's.
const V2: [&str; 2] = ["AWSAccessKeyId", "Signature"];

/// Authenticates a form: its sender, and the policy where there is one.
pub(crate) async fn authenticate<'f>(
    service: &Inner,
    form: &'f Form,
) -> S3Result<(Principal, Option<&'f str>)> {
    let Some(credential) = credential(form, service.verifier.region())? else {
        return Ok((Principal::Anonymous, None));
    };
    let policy = required(form, "policy")?;
    if form.get("x-amz-security-token").is_some() {
        return Err(SignatureError::SecurityTokenUnsupported.into());
    }
    let access_key_id = credential.access_key_id();
    let found = service.options.access_keys.credential(access_key_id).await?;
    let Some(Credential { secret, principal }) = found else {
        let access_key_id = access_key_id.to_owned();
        return Err(SignatureError::InvalidAccessKeyId { access_key_id }.into());
    };
    if credential.proves(&service.verifier, &secret, policy.as_bytes()) {
        return Ok((principal, Some(policy)));
    }
    Err(S3Error::new(ErrorCode::SignatureDoesNotMatch)
        .element("AWSAccessKeyId", access_key_id)
        .element("SignatureProvided", credential.signature()))
}

/// The fields of either version; `None` where there is none of any.
fn credential<'f>(form: &'f Form, region: &str) -> S3Result<Option<FormCredential<'f>>> {
    let any = |names: &[&str]| names.iter().any(|name| form.get(name).is_some());
    if any(&V4) {
        let mut values = [""; 4];
        for (value, name) in values.iter_mut().zip(V4) {
            *value = required(form, name)?;
        }
        let credential = FormCredential::v4(values, region);
        return credential.map(Some).map_err(|problem| refused(problem, values));
    }
    if any(&V2) {
        let access_key_id = required(form, V2[0])?;
        let signature = required(form, V2[1])?;
        return Ok(Some(FormCredential::V2 { access_key_id, signature }));
    }
    Ok(None)
}

fn required<'f>(form: &'f Form, name: &str) -> S3Result<&'f str> {
    text(form, name)?.ok_or_else(|| missing(name))
}

/// S3's answer to a form without a field that it must have before the file.
pub(crate) fn missing(name: &str) -> S3Error {
    let message = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    );
    S3Error::argument(message, name, "")
}

fn refused(problem: FormProblem, [algorithm, credential, date, _]: [&str; 4]) -> S3Error {
    match problem {
        FormProblem::Algorithm => S3Error::argument(
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
            V4[0],
            algorithm,
        ),
        FormProblem::Date => {
            S3Error::argument("X-Amz-Date must be formated via ISO8601 Long format", V4[2], date)
        }
        FormProblem::Credential(problem) => {
            let error = S3Error::argument(problem.to_string(), V4[1], credential);
            match problem {
                CredentialProblem::Region { expected, .. } => error.element("Region", expected),
                _ => error,
            }
        }
    }
}
