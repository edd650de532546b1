//! Finding a run of characters and `?` in a text.
//!
//! Guarantees: time that grows with the length of the text, and for a run with `?` with that times a
//! sixty-fourth of the run's: a policy's author and a client who work together cannot make it the product.
//! Does not: know `*`; the runs are what stands between them.

use std::collections::HashMap;

use memchr::memmem;

use super::pattern::Token;

/// What follows the run at the beginning of the text; `None` if it does not begin so.
pub(super) fn after<'t>(run: &[Token], text: &'t str) -> Option<&'t str> {
    let mut chars = text.chars();
    run.iter()
        .all(|token| chars.next().is_some_and(|char| fits(token, char)))
        .then_some(chars.as_str())
}

/// What precedes the run at the end of the text; `None` if it does not end so.
pub(super) fn before<'t>(run: &[Token], text: &'t str) -> Option<&'t str> {
    let mut chars = text.chars();
    let mut back = || chars.next_back();
    let ends = run.iter().rev().all(|token| back().is_some_and(|char| fits(token, char)));
    ends.then_some(chars.as_str())
}

fn fits(token: &Token, char: char) -> bool {
    match token {
        Token::Char(wanted) => *wanted == char,
        Token::One => true,
        Token::Many => false,
    }
}

/// Where the first occurrence of the run ends, in bytes.
pub(super) fn end_of(run: &[Token], text: &str) -> Option<usize> {
    if run.len() > text.len() {
        return None;
    }
    let literal: Option<String> = run
        .iter()
        .map(|token| match token {
            Token::Char(char) => Some(*char),
            Token::One | Token::Many => None,
        })
        .collect();
    match literal {
        Some(literal) => {
            let at = memmem::find(text.as_bytes(), literal.as_bytes())?;
            Some(at + literal.len())
        }
        None => States::new(run).end_in(text),
    }
}

/// All beginnings of a run that end at one place of the text, a bit for each ("shift-and").
struct States {
    /// The words that a bit for each character of the run takes.
    words: usize,
    /// The last bit.
    last: (usize, u64),
    /// Where the run has a `?`.
    any: Vec<u64>,
    /// Where it has which character of ASCII: `words` for each.
    ascii: Vec<u64>,
    /// Where it has which other.
    others: HashMap<char, Vec<u64>>,
}

impl States {
    fn new(run: &[Token]) -> Self {
        let words = run.len().div_ceil(BITS);
        let last = run.len() - 1;
        let mut states = Self {
            words,
            last: (last / BITS, 1 << (last % BITS)),
            any: vec![0; words],
            ascii: vec![0; ASCII * words],
            others: HashMap::new(),
        };
        for (at, token) in run.iter().enumerate() {
            let place = match token {
                Token::Char(char) => states.place_mut(*char),
                Token::One | Token::Many => &mut states.any,
            };
            place[at / BITS] |= 1 << (at % BITS);
        }
        states
    }

    fn place_mut(&mut self, char: char) -> &mut [u64] {
        let words = self.words;
        match usize::try_from(u32::from(char)) {
            Ok(code) if code < ASCII => &mut self.ascii[code * words..][..words],
            _ => self.others.entry(char).or_insert_with(|| vec![0; words]),
        }
    }

    /// Where the run has the character; no words stand for zeros.
    fn place(&self, char: char) -> &[u64] {
        match usize::try_from(u32::from(char)) {
            Ok(code) if code < ASCII => &self.ascii[code * self.words..][..self.words],
            _ => self.others.get(&char).map(Vec::as_slice).unwrap_or_default(),
        }
    }

    fn end_in(&self, text: &str) -> Option<usize> {
        let mut state = vec![0_u64; self.words];
        for (at, char) in text.char_indices() {
            let place = self.place(char);
            let mut carry = 1;
            for (word, bits) in state.iter_mut().enumerate() {
                let shifted = (*bits << 1) | carry;
                carry = *bits >> (BITS - 1);
                *bits = shifted & (self.any[word] | place.get(word).copied().unwrap_or(0));
            }
            if state[self.last.0] & self.last.1 != 0 {
                return Some(at + char.len_utf8());
            }
        }
        None
    }
}

/// Characters of ASCII.
const ASCII: usize = 128;

/// Of a word.
const BITS: usize = u64::BITS as usize;
