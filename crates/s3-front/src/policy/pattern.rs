//! Texts of policies with wildcards and variables.
//!
//! Guarantees: what a variable stands for is compared literally, so a user named `*` is no wildcard; a
//! variable that the request has no value for makes a text that matches nothing.
//! Does not: know which elements may have wildcards; it is told.

use super::{context::Context, document::Version, search};

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
pub(super) enum Token {
    Char(char),
    One,
    Many,
}

impl Token {
    /// The bytes of what it stands for, at least.
    fn bytes(&self) -> usize {
        match self {
            Self::Char(char) => char.len_utf8(),
            Self::One => 1,
            Self::Many => 0,
        }
    }
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

    /// What a test says of the text for a request; `None` if the request lacks a variable. Nothing fits
    /// that is longer than `bytes_max`, the length of what it is compared with: it is not even written out,
    /// since variables can make much of a short text.
    pub(super) fn fits(
        &self,
        context: &Context,
        bytes_max: usize,
        test: impl FnOnce(&Pattern) -> bool,
    ) -> Option<bool> {
        let mut bytes = 0;
        for piece in &self.0 {
            bytes += match piece {
                Piece::Fixed(tokens) => tokens.iter().map(Token::bytes).sum(),
                Piece::Variable { key, default } => {
                    context.value(key).or(default.as_deref())?.len()
                }
            };
        }
        if bytes > bytes_max {
            return Some(false);
        }
        Some(test(&self.written(context)?))
    }

    /// The text for a request; `None` if it lacks a variable.
    fn written(&self, context: &Context) -> Option<Pattern> {
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
    /// What stands between two `*` is searched once, from where the last was found, so the work is that of
    /// the searches in `super::search`.
    pub(super) fn matches(&self, text: &str) -> bool {
        if self.0.iter().map(Token::bytes).sum::<usize>() > text.len() {
            return false;
        }
        let mut runs = self.0.split(|token| *token == Token::Many);
        let first = runs.next().unwrap_or_default();
        let Some(rest) = search::after(first, text) else { return false };
        let Some(last) = runs.next_back() else { return rest.is_empty() };
        let Some(mut rest) = search::before(last, rest) else { return false };
        for run in runs.filter(|run| !run.is_empty()) {
            let Some(end) = search::end_of(run, rest) else { return false };
            rest = &rest[end..];
        }
        true
    }

    /// The pattern in lower case, to be compared with what [`lowered`] made.
    pub(super) fn lowered(&self) -> Self {
        let lower = |token: &Token| match *token {
            Token::Char(char) => char.to_lowercase().map(Token::Char).collect(),
            other => vec![other],
        };
        Self(self.0.iter().flat_map(lower).collect())
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
pub(super) fn lowered(text: &str) -> String {
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
        assert!(Pattern::new("ÄB*").lowered().matches(&lowered("äbC")));
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

    /// Every `*` tried anew at every place: what is asked of the searches, and takes too long.
    fn tried(pattern: &Pattern, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut token) = (0, 0);
        let mut again: Option<(usize, usize)> = None;
        while at < text.len() {
            match pattern.0.get(token) {
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
        pattern.0.iter().skip(token).all(|token| *token == Token::Many)
    }

    proptest::proptest! {
        /// Over more than one word of the search's states, and with characters of several bytes.
        #[test]
        fn long_runs_are_found(
            before in "[aé]{0,90}",
            run in "[aé?]{1,150}",
            after in "[aéb]{0,90}",
            tail in "[aé?*]{0,3}",
        ) {
            let pattern = Pattern::new(&format!("*{run}*{tail}"));
            for filler in ["a", "é"] {
                let text = format!("{before}{}{after}", run.replace('?', filler));
                proptest::prop_assert_eq!(pattern.matches(&text), tried(&pattern, &text));
            }
            let text = format!("{before}{after}{before}{after}");
            proptest::prop_assert_eq!(pattern.matches(&text), tried(&pattern, &text));
        }
    }

    /// The work is not the product of both lengths.
    #[test]
    fn hostile_patterns_take_no_long_time() {
        let text = "a".repeat(8 * 1024);
        let begun = std::time::Instant::now();
        for run in ["a".repeat(4_000), "a?".repeat(2_000), "é?".repeat(2_000)] {
            let pattern = Pattern::new(&format!("*{run}b*"));
            for _ in 0..200 {
                assert!(!pattern.matches(&text));
            }
        }
        let stars = Pattern::new(&format!("{}b", "*a".repeat(2_000)));
        assert!(!stars.matches(&text));
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    /// A short text whose variables are long is not written out to be compared with less.
    #[test]
    fn variables_make_no_pattern_longer_than_what_it_is_compared_with() {
        let mut context = Context::default();
        context.set("aws:useragent", "x".repeat(1_000));
        let text = "${aws:UserAgent}*".repeat(3);
        let template = Template::parse(&text, Version::V2012, Wildcards::Active).unwrap();
        assert_eq!(template.fits(&context, 2_999, |_| panic!("written out")), Some(false));
        let exact = "x".repeat(3_000);
        assert_eq!(template.fits(&context, 3_000, |pattern| pattern.matches(&exact)), Some(true));
        assert_eq!(template.fits(&Context::default(), 3_000, |_| true), None, "no value");
    }

    fn resolved(text: &str, version: Version) -> Option<Pattern> {
        let mut context = Context::default();
        context.set("aws:username", "*");
        Template::parse(text, version, Wildcards::Active)?.written(&context)
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
