//! The JSON of policy documents.
//!
//! Guarantees: bounded depth; every text that it makes is wiped when dropped, since a policy may pin a
//! customer's key. Beside JSON's escapes, AWS's own `\$` and `\v` are read.
//! Does not: read what no policy has: fractions, exponents, `null`.

use zeroize::Zeroizing;

use super::policy::PolicyError;

/// Deepest nesting: a policy has three levels.
const DEPTH_MAX: usize = 8;

/// A text that is wiped.
pub(super) type Text = Zeroizing<String>;

/// A value.
pub(super) enum Value {
    Text(Text),
    /// Digits, as they stand there.
    Number(Text),
    Flag,
    List(Vec<Self>),
    Object(Vec<(Text, Self)>),
}

/// Reads a whole document.
pub(super) fn parse(text: &str) -> Result<Value, PolicyError> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    if reader.peek().is_none() { Ok(value) } else { Err(invalid()) }
}

fn invalid() -> PolicyError {
    PolicyError::invalid("Invalid JSON.")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn skip(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: u8) -> Result<(), PolicyError> {
        if self.skip(wanted) { Ok(()) } else { Err(invalid()) }
    }

    fn value(&mut self, depth: usize) -> Result<Value, PolicyError> {
        if depth == DEPTH_MAX {
            return Err(invalid());
        }
        match self.peek().ok_or_else(invalid)? {
            b'"' => self.text().map(Value::Text),
            b'[' => self.list(depth).map(Value::List),
            b'{' => self.object(depth).map(Value::Object),
            b'-' => Err(PolicyError::invalid("Token - must be enclosed in quotes.")),
            _ => self.token(),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, PolicyError> {
        self.expect(b'[')?;
        let mut values = Vec::new();
        if self.skip(b']') {
            return Ok(values);
        }
        loop {
            values.push(self.value(depth + 1)?);
            if self.skip(b']') {
                return Ok(values);
            }
            self.expect(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Vec<(Text, Value)>, PolicyError> {
        self.expect(b'{')?;
        let mut members: Vec<(Text, Value)> = Vec::new();
        if self.skip(b'}') {
            return Ok(members);
        }
        loop {
            let name = self.text()?;
            // Which of two would count is a matter of who reads.
            if members.iter().any(|(seen, _)| seen.as_str() == name.as_str()) {
                return Err(invalid());
            }
            self.expect(b':')?;
            members.push((name, self.value(depth + 1)?));
            if self.skip(b'}') {
                return Ok(members);
            }
            self.expect(b',')?;
        }
    }

    fn token(&mut self) -> Result<Value, PolicyError> {
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'.');
        let token = &rest[..end.unwrap_or(rest.len())];
        self.at += token.len();
        let digits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
        match token {
            "true" | "false" => Ok(Value::Flag),
            _ if digits => Ok(Value::Number(Zeroizing::new(token.to_owned()))),
            _ => Err(invalid()),
        }
    }

    fn text(&mut self) -> Result<Text, PolicyError> {
        self.expect(b'"')?;
        // Never longer than what is left of the document, so it never moves while it grows.
        let length = self.text[self.at..].find('"').ok_or_else(invalid)?;
        let escaped = self.text[self.at..self.at + length].contains('\\');
        let room = if escaped { self.text.len() - self.at } else { length };
        let mut out = Zeroizing::new(String::with_capacity(room));
        loop {
            let char = self.char()?;
            match char {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                '\0'..='\u{1f}' => return Err(invalid()),
                _ => out.push(char),
            }
        }
    }

    fn char(&mut self) -> Result<char, PolicyError> {
        let char = self.text[self.at..].chars().next().ok_or_else(invalid)?;
        self.at += char.len_utf8();
        Ok(char)
    }

    fn escape(&mut self) -> Result<char, PolicyError> {
        Ok(match self.char()? {
            char @ ('"' | '\\' | '/' | '$') => char,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'u' => self.unicode()?,
            _ => return Err(invalid()),
        })
    }

    /// One code point, perhaps of two UTF-16 units.
    fn unicode(&mut self) -> Result<char, PolicyError> {
        let first = self.unit()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) {
            if !self.text[self.at..].starts_with("\\u") {
                return Err(invalid());
            }
            self.at += 2;
            units.push(self.unit()?);
        }
        let mut decoded = char::decode_utf16(units);
        match (decoded.next(), decoded.next()) {
            (Some(Ok(char)), None) => Ok(char),
            _ => Err(invalid()),
        }
    }

    fn unit(&mut self) -> Result<u16, PolicyError> {
        let digits = self.text.get(self.at..self.at + 4).ok_or_else(invalid)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
        use serde_json::Value as V;
        match (ours, theirs) {
            (Value::Text(ours), V::String(theirs)) => ours.as_str() == theirs,
            (Value::Number(ours), V::Number(theirs)) => **ours == theirs.to_string(),
            (Value::Flag, V::Bool(_)) => true,
            (Value::List(ours), V::Array(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
            }
            (Value::Object(ours), V::Object(theirs)) => {
                let has = |(name, value): &(Text, Value)| {
                    theirs.get(name.as_str()).is_some_and(|theirs| same(value, theirs))
                };
                ours.len() == theirs.len() && ours.iter().all(has)
            }
            _ => false,
        }
    }

    fn documents() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(serde_json::Value::from),
            any::<u64>().prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                proptest::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| map.into_iter().collect::<serde_json::Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_document_reads_as_it_was_written(document in documents()) {
            for text in [document.to_string(), format!("{document:#}")] {
                prop_assert!(same(&parse(&text).ok().unwrap(), &document), "{}", text);
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in "[\\[\\]{}\":,\\\\u0-9a-f$ \u{e9}]{0,40}") {
            if parse(&text).is_ok() {
                let strict = serde_json::from_str::<serde_json::Value>(&text);
                let lenient = text.contains("\\$") || text.starts_with(|c: char| c.is_ascii_digit());
                prop_assert!(strict.is_ok() || lenient || text.contains('0'), "{}", text);
            }
        }
    }

    #[test]
    fn escapes_of_aws_are_read() {
        let Ok(Value::Text(text)) = parse(r#" "\$\v\\$\u00e9\ud83d\ude00" "#) else {
            panic!("no text")
        };
        assert_eq!(text.as_str(), "$\u{b}\\$é😀");
    }

    #[test]
    fn what_no_policy_has_is_refused() {
        for text in [
            "",
            "nul",
            "null",
            "1.5",
            "1e3",
            "-1",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\":1,\"a\":2}",
            "\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ude00\"",
            "\"\\u00g0\"",
            "\"\n\"",
            "[[[[[[[[[]]]]]]]]]",
            "{} {}",
            "{a:1}",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
