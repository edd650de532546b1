//! The signatures of upload forms: over the policy's text, not over the request.
//!
//! Guarantees: compared in constant time. Version 4's scope is checked as that of any request.
//! Does not: apply the limit on clock skew, since a form is signed long before it is sent; the policy's
//! expiration ends it. Version 2 is accepted here and nowhere else, for forms that were written for it.

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Verifier,
    claim::{ALGORITHM, Credential},
    error::CredentialProblem,
    hex,
    time::SignedTime,
};

/// What proves a form's policy.
#[derive(Debug)]
pub(crate) enum FormCredential<'a> {
    /// Version 4.
    V4 {
        /// Who says to have signed.
        access_key_id: &'a str,
        /// `YYYYMMDD`
        day: &'a str,
        /// Hexadecimal.
        signature: &'a str,
    },
    /// Version 2.
    V2 {
        /// Who says to have signed.
        access_key_id: &'a str,
        /// Base64.
        signature: &'a str,
    },
}

/// What is wrong with version 4's fields.
#[derive(Debug)]
pub(crate) enum FormProblem {
    /// `x-amz-algorithm` is something else.
    Algorithm,
    /// `x-amz-credential` is malformed, or for another place or day.
    Credential(CredentialProblem),
    /// `x-amz-date` is not a time.
    Date,
}

impl<'a> FormCredential<'a> {
    /// Reads `x-amz-algorithm`, `x-amz-credential`, `x-amz-date` and `x-amz-signature`.
    pub(crate) fn v4(
        [algorithm, credential, date, signature]: [&'a str; 4],
        region: &str,
    ) -> Result<Self, FormProblem> {
        if algorithm != ALGORITHM {
            return Err(FormProblem::Algorithm);
        }
        let Credential { access_key_id, day } =
            Credential::parse(credential, region).map_err(FormProblem::Credential)?;
        let time = SignedTime::parse(date.as_bytes()).ok_or(FormProblem::Date)?;
        if time.day() != day {
            return Err(FormProblem::Credential(CredentialProblem::Date));
        }
        Ok(Self::V4 { access_key_id, day, signature })
    }

    /// Who says to have signed.
    pub(crate) fn access_key_id(&self) -> &'a str {
        match self {
            Self::V4 { access_key_id, .. } | Self::V2 { access_key_id, .. } => access_key_id,
        }
    }

    /// The signature as it was sent.
    pub(crate) fn signature(&self) -> &'a str {
        match self {
            Self::V4 { signature, .. } | Self::V2 { signature, .. } => signature,
        }
    }

    /// Whether the holder of `secret` signed this policy, which is its text as it was sent.
    pub(crate) fn proves(&self, verifier: &Verifier, secret: &[u8], policy: &[u8]) -> bool {
        match self {
            Self::V4 { day, signature, .. } => {
                let key = verifier.keys.key(secret, day, &verifier.region);
                let tag = hmac::sign(&key, policy);
                let expected =
                    hex::encode(tag.as_ref().try_into().expect("HMAC-SHA256 has 32 bytes"));
                constant_time::verify_slices_are_equal(&expected, signature.as_bytes()).is_ok()
            }
            Self::V2 { signature, .. } => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
                let expected = STANDARD.encode(hmac::sign(&key, policy));
                let sent = signature.as_bytes();
                constant_time::verify_slices_are_equal(expected.as_bytes(), sent).is_ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The policy, credential and signature of the S3 API reference, "Examples: Browser-Based Upload
    /// using HTTP POST (Using AWS Signature Version 4)".
    const POLICY: &[u8] = b"eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
    const CREDENTIAL: &str = "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request";
    const SIGNATURE: &str = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";
    const SECRET: &[u8] = b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn v4<'a>(
        algorithm: &'a str,
        credential: &'a str,
        date: &'a str,
    ) -> Result<FormCredential<'a>, FormProblem> {
        FormCredential::v4([algorithm, credential, date, SIGNATURE], "us-east-1")
    }

    #[test]
    fn the_documented_example_holds() {
        let verifier = Verifier::new("us-east-1");
        let form = v4(ALGORITHM, CREDENTIAL, "20151229T000000Z").unwrap();
        assert_eq!(form.access_key_id(), "AKIAIOSFODNN7EXAMPLE");
        assert!(form.proves(&verifier, SECRET, POLICY));
        assert!(!form.proves(&verifier, b"other", POLICY));
        assert!(!form.proves(&verifier, SECRET, &POLICY[1..]));
    }

    #[test]
    fn version_2_is_the_hmac_of_rfc_2202() {
        // Test case 2 of RFC 2202: effcdf6ae5eb2fa2d27416d5f184df9c259a7c79.
        let signature = "7/zfauXrL6LSdBbV8YTfnCWafHk=";
        let form = FormCredential::V2 { access_key_id: "a", signature };
        let verifier = Verifier::new("us-east-1");
        assert!(form.proves(&verifier, b"Jefe", b"what do ya want for nothing?"));
        assert!(!form.proves(&verifier, b"Jefe", b"what do ya want for nothing!"));
    }

    #[test]
    fn scopes_are_checked() {
        for (algorithm, credential, date) in [
            ("AWS4-ECDSA-P256-SHA256", CREDENTIAL, "20151229T000000Z"),
            (ALGORITHM, "AKIA/20151229/eu-west-1/s3/aws4_request", "20151229T000000Z"),
            (ALGORITHM, "AKIA/20151229/us-east-1/iam/aws4_request", "20151229T000000Z"),
            (ALGORITHM, CREDENTIAL, "20151230T000000Z"),
            (ALGORITHM, CREDENTIAL, "2015-12-29"),
            (ALGORITHM, "AKIA", "20151229T000000Z"),
        ] {
            assert!(v4(algorithm, credential, date).is_err(), "{algorithm} {credential} {date}");
        }
    }
}
