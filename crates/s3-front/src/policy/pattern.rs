//! Texts of policies with wildcards and variables.
//!
//! Guarantees: what a variable stands for is compared literally, so a user named `*` is no wildcard; a
//! variable that the request has no value for makes a text that matches nothing.
//! Does not: know which elements may have wildcards; it is told.

use super::{context::Context, document::Version};

/// Whether `*` and `?` stand for other characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wildcards {
    Literal,
    Active,
}

/// A text before its variables are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Fixed(Vec<Token>),
    Variable { key: String, default: Option<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Many,
}

impl Template {
    /// Reads a text; `None` for a variable that is not one. Variables came with version 2012-10-17; in
    /// older policies `${` is itself.
    pub(super) fn parse(text: &str, version: Version, wildcards: Wildcards) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${").filter(|_| version == Version::V2012) {
            let (before, after) = rest.split_at(at);
            let (inner, tail) = after.strip_prefix("${")?.split_once('}')?;
            pieces.push(Piece::Fixed(tokens(before, wildcards)));
            pieces.push(Piece::variable(inner)?);
            rest = tail;
        }
        pieces.push(Piece::Fixed(tokens(rest, wildcards)));
        Some(Self(pieces))
    }

    /// The text for a request; `None` if it lacks a variable.
    pub(super) fn resolve(&self, context: &Context) -> Option<Pattern> {
        let mut out = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Fixed(tokens) => out.extend(tokens),
                Piece::Variable { key, default } => {
                    let value = context.value(key).or(default.as_deref())?;
                    out.extend(value.chars().map(Token::Char));
                }
            }
        }
        Some(Pattern(out))
    }

    /// Whether the text is always the same and stands for itself only.
    pub(super) fn is_fixed(&self) -> bool {
        let is_char = |token: &Token| matches!(token, Token::Char(_));
        self.0.iter().all(|piece| match piece {
            Piece::Fixed(tokens) => tokens.iter().all(is_char),
            Piece::Variable { .. } => false,
        })
    }

    /// Whether it has a variable whose name begins so (in lower case).
    pub(super) fn mentions(&self, prefix: &str) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Fixed(_) => false,
            Piece::Variable { key, .. } => key.to_ascii_lowercase().starts_with(prefix),
        })
    }

    /// The text with every variable standing for anything: what it could possibly match.
    pub(super) fn widest(&self) -> Pattern {
        let mut out = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Fixed(tokens) => out.extend(tokens),
                Piece::Variable { .. } => out.push(Token::Many),
            }
        }
        Pattern(out)
    }
}

impl Piece {
    /// `aws:username`, `aws:username, 'default'`, or one of `*`, `?`, `$` as itself.
    fn variable(inner: &str) -> Option<Self> {
        if let "*" | "?" | "$" = inner {
            return Some(Self::Fixed(inner.chars().map(Token::Char).collect()));
        }
        let (key, default) = match inner.split_once(',') {
            None => (inner, None),
            Some((key, default)) => {
                let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                (key, Some(default.to_owned()))
            }
        };
        let key = key.trim();
        let sound = key.contains(':') && !key.contains(['$', '{', ' ']);
        sound.then(|| Self::Variable { key: key.to_owned(), default })
    }
}

fn tokens(text: &str, wildcards: Wildcards) -> Vec<Token> {
    let token = |char| match (char, wildcards) {
        ('*', Wildcards::Active) => Token::Many,
        ('?', Wildcards::Active) => Token::One,
        _ => Token::Char(char),
    };
    text.chars().map(token).collect()
}

/// A text whose variables are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Token>);

impl Pattern {
    /// A text with wildcards and no variables.
    pub(super) fn new(text: &str) -> Self {
        Self(tokens(text, Wildcards::Active))
    }

    /// Whether it stands for `text`: `*` for any characters, also `/` and none; `?` for one.
    ///
    /// Only the last `*` is ever tried again, so the work is at most the product of both lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut token) = (0, 0);
        let mut again: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(token) {
                Some(Token::Many) => {
                    again = Some((token + 1, at));
                    token += 1;
                }
                Some(Token::One) => (at, token) = (at + 1, token + 1),
                Some(Token::Char(char)) if *char == text[at] => (at, token) = (at + 1, token + 1),
                _ => {
                    let Some((after, from)) = again else { return false };
                    again = Some((after, from + 1));
                    (at, token) = (from + 1, after);
                }
            }
        }
        self.0.iter().skip(token).all(|token| *token == Token::Many)
    }

    /// As [`Self::matches`], without regard to case.
    pub(super) fn matches_any_case(&self, text: &str) -> bool {
        let lower = |token: &Token| match *token {
            Token::Char(char) => char.to_lowercase().map(Token::Char).collect(),
            other => vec![other],
        };
        Self(self.0.iter().flat_map(lower).collect()).matches(&lowered(text))
    }

    /// Whether it has a wildcard.
    pub(super) fn is_wild(&self) -> bool {
        self.0.iter().any(|token| !matches!(token, Token::Char(_)))
    }

    /// The pieces between `separator`s, at most `count`; wildcards do not reach over a border.
    pub(super) fn sections(&self, separator: char, count: usize) -> Vec<Self> {
        let split = self.0.splitn(count, |token| *token == Token::Char(separator));
        split.map(|tokens| Self(tokens.to_vec())).collect()
    }
}

/// Character by character, as patterns are lowered: a whole text's lower case depends on neighbours.
fn lowered(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_characters() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("?", "", false),
            ("?", "ä", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a*b*c", "aXbYbZc", true),
            ("*a", "aab", false),
            ("*ab", "aab", true),
            ("a?c*", "abc", true),
            ("a?c*", "ac", false),
            ("**", "x", true),
            ("abc", "abcd", false),
            ("abcd", "abc", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
        assert!(Pattern::new("ÄB*").matches_any_case("äbC"));
        assert!(!Pattern::new("ÄB").matches("äb"));
    }

    /// The definition, which takes exponential time.
    fn defined(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                defined(rest, text) || (!text.is_empty() && defined(pattern, &text[1..]))
            }
            ([b'?', rest @ ..], [_, text @ ..]) => defined(rest, text),
            ([first, rest @ ..], [char, text @ ..]) => first == char && defined(rest, text),
            _ => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn matching_is_as_defined(pattern in "[ab?*]{0,7}", text in "[ab]{0,9}") {
            let expected = defined(pattern.as_bytes(), text.as_bytes());
            proptest::prop_assert_eq!(Pattern::new(&pattern).matches(&text), expected);
        }
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = "*a".repeat(2_000);
        assert!(!Pattern::new(&format!("{pattern}b")).matches(&"a".repeat(10_000)));
    }

    fn resolved(text: &str, version: Version) -> Option<Pattern> {
        let mut context = Context::default();
        context.set("aws:username", "*");
        Template::parse(text, version, Wildcards::Active)?.resolve(&context)
    }

    #[test]
    fn variables_are_literal() {
        let pattern = resolved("home/${AWS:UserName}/*", Version::V2012).unwrap();
        assert!(pattern.matches("home/*/x"));
        assert!(!pattern.matches("home/alice/x"));
        let pattern = resolved("${*}${?}${$}", Version::V2012).unwrap();
        assert!(pattern.matches("*?$") && !pattern.matches("ab$"));
        let pattern = resolved("${aws:none, 'nobody*'}", Version::V2012).unwrap();
        assert!(pattern.matches("nobody*") && !pattern.matches("nobody1"));
        assert_eq!(resolved("${aws:none}", Version::V2012), None, "no value");
        let old = resolved("${aws:username}", Version::V2008).unwrap();
        assert!(old.matches("${aws:username}") && !old.matches("*"));
    }

    #[test]
    fn bad_variables_are_refused() {
        for bad in ["${", "${aws:username", "${username}", "${aws:a, b}", "${${aws:a}}", "${}"] {
            let parsed = Template::parse(bad, Version::V2012, Wildcards::Active);
            assert_eq!(parsed, None, "{bad}");
        }
    }

    #[test]
    fn fixed_means_always_the_same() {
        let fixed =
            |text| Template::parse(text, Version::V2012, Wildcards::Active).unwrap().is_fixed();
        assert!(fixed("abc") && fixed("${*}"));
        assert!(!fixed("a*") && !fixed("${aws:username}"));
    }
}
