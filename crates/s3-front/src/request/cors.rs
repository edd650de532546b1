//! A bucket's CORS configuration: read, written, and asked.
//!
//! Guarantees: a configuration has 1 to [`CORS_RULES_MAX`] rules, each with at least one origin and one
//! method; the first rule that allows all that is asked decides, as in the S3 user guide.
//! Does not: know of requests; `service::cors` does.

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::{CORS_BYTES_MAX, CORS_REQUESTED_HEADERS_MAX, CORS_RULE_ID_CHARS_MAX, CORS_RULES_MAX},
    xml::{Element, XmlWriter, malformed},
};

/// The methods that a rule can allow, and a preflight ask for.
const METHODS: [&str; 5] = ["DELETE", "GET", "HEAD", "POST", "PUT"];

/// The rules of a bucket, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CorsConfiguration {
    rules: Vec<CorsRule>,
}

/// What some origins may do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CorsRule {
    id: Option<String>,
    allowed_headers: Vec<String>,
    allowed_methods: Vec<String>,
    allowed_origins: Vec<String>,
    expose_headers: Vec<String>,
    max_age_seconds: Option<u32>,
}

/// What a request asks to be allowed across origins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Whose page asks.
    pub(crate) origin: &'a str,
    /// The method that it means to use.
    pub(crate) method: &'a str,
    /// The headers that it means to send, in lower case.
    pub(crate) headers: &'a [String],
}

/// The rule that allows a request.
#[derive(Debug)]
pub(crate) struct Allowed<'c> {
    rule: &'c CorsRule,
    /// Whether the rule names everybody, and not this origin.
    pub(crate) everybody: bool,
}

/// Whether a preflight may ask for this method.
pub(crate) fn is_method(method: &str) -> bool {
    METHODS.contains(&method)
}

impl CorsConfiguration {
    /// Reads the document of PutBucketCors, or what [`Self::document`] wrote.
    pub(crate) fn parse(body: &[u8]) -> S3Result<Self> {
        if body.len() > CORS_BYTES_MAX {
            return Err(S3Error::new(ErrorCode::MaxMessageLengthExceeded)
                .element("MaxMessageLengthBytes", CORS_BYTES_MAX.to_string()));
        }
        Self::read(body)
    }

    /// Reads a stored document, which may have grown by its escapes.
    pub(crate) fn read(body: &[u8]) -> S3Result<Self> {
        let root = Element::parse(body, "CORSConfiguration")?;
        root.only(&["CORSRule"])?;
        match root.children().len() {
            0 => return Err(malformed()),
            count if count > CORS_RULES_MAX => {
                return Err(invalid(format!(
                    "The number of CORS rules should not exceed allowed limit of {CORS_RULES_MAX} rules."
                )));
            }
            _ => {}
        }
        let rules = root.children().iter().map(CorsRule::parse).collect::<S3Result<_>>()?;
        Ok(Self { rules })
    }

    /// The document of GetBucketCors, which is also what is stored.
    pub(crate) fn document(&self) -> String {
        let mut writer = XmlWriter::new("CORSConfiguration");
        for rule in &self.rules {
            writer.inside("CORSRule", |entry| rule.write(entry));
        }
        writer.finish()
    }

    /// The first rule that allows all that is asked.
    pub(crate) fn allowing(&self, asked: Asked<'_>) -> Option<Allowed<'_>> {
        if asked.headers.len() > CORS_REQUESTED_HEADERS_MAX {
            return None;
        }
        self.rules.iter().find_map(|rule| rule.allowing(asked))
    }
}

impl CorsRule {
    fn parse(element: &Element) -> S3Result<Self> {
        element.only(&[
            "AllowedHeader",
            "AllowedMethod",
            "AllowedOrigin",
            "ExposeHeader",
            "ID",
            "MaxAgeSeconds",
        ])?;
        let rule = Self {
            id: element.optional("ID")?.map(str::to_owned),
            allowed_headers: texts(element, "AllowedHeader"),
            allowed_methods: texts(element, "AllowedMethod"),
            allowed_origins: texts(element, "AllowedOrigin"),
            expose_headers: texts(element, "ExposeHeader"),
            max_age_seconds: element.optional("MaxAgeSeconds")?.map(seconds).transpose()?,
        };
        rule.check()?;
        Ok(rule)
    }

    fn check(&self) -> S3Result<()> {
        if self.allowed_methods.is_empty() || self.allowed_origins.is_empty() {
            return Err(malformed());
        }
        if let Some(method) = self.allowed_methods.iter().find(|method| !is_method(method)) {
            return Err(invalid(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )));
        }
        for origin in &self.allowed_origins {
            check_pattern("AllowedOrigin", origin)?;
        }
        for header in &self.allowed_headers {
            check_pattern("AllowedHeader", header)?;
        }
        for header in &self.expose_headers {
            check_exposed(header)?;
        }
        match &self.id {
            Some(id) if id.chars().count() > CORS_RULE_ID_CHARS_MAX => Err(invalid(format!(
                "The ID of a CORS rule should not exceed allowed limit of {CORS_RULE_ID_CHARS_MAX} characters."
            ))),
            _ => Ok(()),
        }
    }

    fn write(&self, entry: &mut XmlWriter) {
        entry.text_if("ID", self.id.as_deref());
        for (name, texts) in [
            ("AllowedHeader", &self.allowed_headers),
            ("AllowedMethod", &self.allowed_methods),
            ("AllowedOrigin", &self.allowed_origins),
            ("ExposeHeader", &self.expose_headers),
        ] {
            for text in texts {
                entry.text(name, text);
            }
        }
        entry.text_if("MaxAgeSeconds", self.max_age_seconds);
    }

    fn allowing(&self, asked: Asked<'_>) -> Option<Allowed<'_>> {
        let origin = self.allowed_origins.iter().find(|pattern| fits(pattern, asked.origin))?;
        self.allowed_methods.iter().find(|method| *method == asked.method)?;
        let lower: Vec<_> = self.allowed_headers.iter().map(|p| p.to_ascii_lowercase()).collect();
        let allowed = |name: &String| lower.iter().any(|pattern| fits(pattern, name));
        let all = asked.headers.iter().all(allowed);
        all.then_some(Allowed { rule: self, everybody: origin == "*" })
    }
}

impl Allowed<'_> {
    /// All methods of the rule, as AWS shows them.
    pub(crate) fn methods(&self) -> String {
        self.rule.allowed_methods.join(", ")
    }

    /// What a page may read of the answer, if the rule says so.
    pub(crate) fn exposed(&self) -> Option<String> {
        let headers = &self.rule.expose_headers;
        (!headers.is_empty()).then(|| headers.join(", "))
    }

    /// How long a browser may keep the answer to a preflight.
    pub(crate) fn max_age_seconds(&self) -> Option<u32> {
        self.rule.max_age_seconds
    }
}

fn texts(element: &Element, name: &str) -> Vec<String> {
    let named = element.children().iter().filter(|child| child.name() == name);
    named.map(|child| child.text().trim().to_owned()).collect()
}

fn seconds(text: &str) -> S3Result<u32> {
    // The schema says xsd:int.
    let seconds: i32 = text.trim().parse().map_err(|_| malformed())?;
    u32::try_from(seconds).map_err(|_| malformed())
}

/// A pattern has at most one `*`.
fn check_pattern(element: &str, pattern: &str) -> S3Result<()> {
    if pattern.is_empty() {
        return Err(malformed());
    }
    if pattern.matches('*').count() > 1 {
        return Err(invalid(format!(
            "{element} \"{pattern}\" can not have more than one wildcard."
        )));
    }
    Ok(())
}

fn check_exposed(header: &str) -> S3Result<()> {
    if header.is_empty() {
        return Err(malformed());
    }
    if header.contains('*') {
        return Err(invalid(format!(
            "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
        )));
    }
    if !header.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Err(invalid(format!("ExposeHeader \"{header}\" contains invalid character.")));
    }
    Ok(())
}

fn invalid(message: String) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidRequest, message)
}

/// Whether a pattern with at most one `*` stands for the whole text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let rest = text.strip_prefix(before);
    rest.is_some_and(|rest| rest.ends_with(after))
}

#[cfg(test)]
mod tests;
