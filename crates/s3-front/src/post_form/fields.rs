//! The fields before a form's file.
//!
//! Guarantees: at most [`FORM_FIELDS_BYTES_MAX`] bytes are read for them; every buffer that held a value
//! is wiped; no name stands there twice in any case; where the file begins, nothing of it was copied
//! that stays.
//! Does not: interpret fields, but for `${filename}`.

use std::{future::poll_fn, pin::Pin};

use bytes::Bytes;
use zeroize::Zeroizing;

use super::{
    Delimiter, FormError,
    part::{self, Part},
};
use crate::{
    body::broken_connection, key_names, limits::FORM_FIELDS_BYTES_MAX, service::HttpBody,
    signature::is_customer_secret,
};

/// What stands for the file's name in fields.
const FILENAME: &str = "${filename}";

/// A field's value, wiped when dropped.
type Value = Zeroizing<Vec<u8>>;

/// The fields of a form.
#[derive(Default)]
pub(crate) struct Form {
    fields: Vec<(String, Value)>,
}

/// The body behind the head of the part that is the file.
pub(crate) struct Rest<B> {
    pub(super) body: B,
    pub(super) input: Bytes,
    pub(super) delimiter: Delimiter,
}

impl Form {
    /// The value of a field, in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.fields.iter();
        values
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// Takes a field out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.fields.iter().position(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(self.fields.swap_remove(at).1)
    }

    /// The names, as sent.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// Names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Whether a field of SSE-C is there, the copy source's among them.
    pub(crate) fn mentions_customer_key(&self) -> bool {
        self.names().any(key_names::is_any_vendors)
    }

    /// A form of these fields.
    #[cfg(test)]
    pub(super) fn of(fields: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), Zeroizing::new(value.as_bytes().to_vec()))
        };
        Self { fields: fields.iter().map(owned).collect() }
    }

    fn add(&mut self, name: String, value: &[u8]) -> Result<(), FormError> {
        if self.get(&name).is_some() {
            return Err(FormError::Repeated(name));
        }
        self.fields.push((name, Zeroizing::new(value.to_vec())));
        Ok(())
    }

    /// Puts the file's name where fields ask for it: what follows the last slash or backslash.
    fn expand(&mut self, filename: &str) {
        let name = filename.rsplit(['/', '\\']).next().unwrap_or_default();
        for (field, value) in &mut self.fields {
            let signed = field.eq_ignore_ascii_case("policy");
            if signed || is_customer_secret(field.bytes()) {
                continue;
            }
            let Ok(text) = std::str::from_utf8(value) else { continue };
            if text.contains(FILENAME) {
                *value = Zeroizing::new(text.replace(FILENAME, name).into_bytes());
            }
        }
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Reads a form up to its file.
pub(crate) async fn read<B: HttpBody>(
    body: B,
    delimiter: Delimiter,
) -> Result<(Form, Rest<B>), FormError> {
    let mut reader = Reader {
        body,
        delimiter,
        // Never more than this, so it never moves and leaves nothing behind.
        buffer: Zeroizing::new(Vec::with_capacity(FORM_FIELDS_BYTES_MAX)),
        frame: Bytes::new(),
        before: 0,
        at: None,
        form: Form::default(),
    };
    loop {
        reader.fill().await?;
        if let Some(start) = reader.go_on()? {
            // The file begins in the last frame, since its head was not whole before.
            let input = reader.frame.slice(start - reader.before..);
            let rest = Rest { body: reader.body, input, delimiter: reader.delimiter };
            return Ok((reader.form, rest));
        }
    }
}

struct Reader<B> {
    body: B,
    delimiter: Delimiter,
    /// What came so far.
    buffer: Value,
    /// What came last.
    frame: Bytes,
    /// Bytes of the buffer before the last frame.
    before: usize,
    /// Where the next part begins; `None` before the first delimiter.
    at: Option<usize>,
    form: Form,
}

impl<B: HttpBody> Reader<B> {
    async fn fill(&mut self) -> Result<(), FormError> {
        let room = FORM_FIELDS_BYTES_MAX - self.buffer.len();
        if room == 0 {
            return Err(FormError::TooLong);
        }
        self.frame = match poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await {
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(error)) => return Err(FormError::Body(broken_connection(error.into()))),
            None => return Err(FormError::Malformed),
        };
        self.before = self.buffer.len();
        self.buffer.extend_from_slice(&self.frame[..self.frame.len().min(room)]);
        Ok(())
    }

    /// Reads the parts that are whole; where the file begins, if that is known.
    fn go_on(&mut self) -> Result<Option<usize>, FormError> {
        if self.at.is_none() {
            self.at = opening(&self.buffer, &self.delimiter)?;
        }
        let Some(mut at) = self.at else { return Ok(None) };
        loop {
            self.at = Some(at);
            match part::read(&self.buffer, at, &self.delimiter)? {
                Part::End => return Err(FormError::Files(0)),
                Part::Incomplete => return Ok(None),
                Part::Field { name, value, next } => {
                    self.form.add(name, &self.buffer[value])?;
                    at = next;
                }
                Part::File { filename, start } => {
                    if let Some(filename) = filename {
                        self.form.expand(&filename);
                    }
                    return Ok(Some(start));
                }
            }
        }
    }
}

/// Where the first part begins: behind a delimiter whose line end may be missing. `None`: not yet there.
fn opening(buffer: &[u8], delimiter: &Delimiter) -> Result<Option<usize>, FormError> {
    for dashes in [delimiter.text(), &delimiter.text()[2..]] {
        if buffer.starts_with(dashes) {
            return Ok(Some(dashes.len()));
        }
        if dashes.starts_with(buffer) {
            return Ok(None);
        }
    }
    Err(FormError::Malformed)
}

/// Checks what stands behind the file, all of which is ignored, unless it shows that the form was meant
/// otherwise: a second file, or a customer's key, which would have had to seal the first.
pub(super) fn check_after(buffer: &[u8], delimiter: &Delimiter) -> Result<(), FormError> {
    let mut at = 0;
    loop {
        match part::read(buffer, at, delimiter)? {
            Part::End => return Ok(()),
            Part::Incomplete => return Err(FormError::Malformed),
            Part::File { .. } => return Err(FormError::Files(2)),
            Part::Field { name, .. } if key_names::is_any_vendors(&name) => {
                return Err(FormError::KeyAfterFile(name));
            }
            Part::Field { next, .. } => at = next,
        }
    }
}

#[cfg(test)]
mod tests;
