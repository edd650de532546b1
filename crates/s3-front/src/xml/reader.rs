//! Reading request bodies.
//!
//! Guarantees: a document that is not well-formed, nests too deep, has too many elements, declares a
//! document type or refers to an entity beyond XML's own five is `MalformedXML`; nothing is ever
//! expanded or fetched.
//! Does not: check namespaces or attributes' meaning; S3 accepts documents with and without either.

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::{XML_BODY_BYTES_MAX, XML_DEPTH_MAX, XML_ELEMENTS_MAX},
};

/// An element of a document: its local name, and either text or children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// Reads a document whose root has the local name `root`.
    pub fn parse(body: &[u8], root: &str) -> S3Result<Self> {
        if body.len() > XML_BODY_BYTES_MAX {
            return Err(malformed());
        }
        let text = std::str::from_utf8(body).map_err(|_| malformed())?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let element = Tree::default().read(text)?;
        if element.name == root { Ok(element) } else { Err(malformed()) }
    }

    /// The local name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of an element without children.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All children, in order.
    pub fn children(&self) -> &[Self] {
        &self.children
    }

    /// The text of the child `name`; `MalformedXML` if it stands there more than once.
    pub fn optional(&self, name: &str) -> S3Result<Option<&str>> {
        let mut named = self.children.iter().filter(|child| child.name == name);
        match (named.next(), named.next()) {
            (Some(child), None) => Ok(Some(&child.text)),
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(malformed()),
        }
    }

    /// The text of the child `name`; `MalformedXML` if it does not stand there exactly once.
    pub fn required(&self, name: &str) -> S3Result<&str> {
        self.optional(name)?.ok_or_else(malformed)
    }

    /// Refuses children that the schema does not have.
    pub fn only(&self, names: &[&str]) -> S3Result<()> {
        let known = self.children.iter().all(|child| names.contains(&child.name.as_str()));
        if known { Ok(()) } else { Err(malformed()) }
    }
}

/// `MalformedXML`.
pub fn malformed() -> S3Error {
    S3Error::new(ErrorCode::MalformedXML)
}

/// The elements that are open, outermost first.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn read(mut self, text: &str) -> S3Result<Element> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        loop {
            match reader.read_event().map_err(|_| malformed())? {
                Event::Start(start) => self.start(&start)?,
                Event::Empty(start) => {
                    self.start(&start)?;
                    self.end()?;
                }
                Event::End(_) => self.end()?,
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(data) => self.text(&data.xml10_content())?,
                Event::GeneralRef(reference) => self.reference(&reference)?,
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::DocType(_) => return Err(malformed()),
                Event::Eof => break,
            }
        }
        if self.open.is_empty() { self.root.ok_or_else(malformed) } else { Err(malformed()) }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> S3Result<()> {
        self.elements += 1;
        let second_root = self.open.is_empty() && self.root.is_some();
        if second_root || self.open.len() == XML_DEPTH_MAX || self.elements > XML_ELEMENTS_MAX {
            return Err(malformed());
        }
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| malformed())?;
            if attribute.value.contains(['&', '<']) {
                return Err(malformed());
            }
        }
        let name = start.local_name().into_inner().to_owned();
        self.open.push(Element { name, ..Element::default() });
        Ok(())
    }

    fn end(&mut self) -> S3Result<()> {
        let mut element = self.open.pop().ok_or_else(malformed)?;
        if !element.children.is_empty() {
            if !is_blank(&element.text) {
                return Err(malformed());
            }
            element.text.clear();
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> S3Result<()> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if is_blank(text) => {}
            None => return Err(malformed()),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> S3Result<()> {
        let char = match &**reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => reference.resolve_char_ref().ok().flatten().ok_or_else(malformed)?,
        };
        let element = self.open.last_mut().ok_or_else(malformed)?;
        element.text.push(char);
        Ok(())
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|char| matches!(char, ' ' | '\t' | '\r' | '\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) {
        let error = Element::parse(body.as_bytes(), "A").expect_err(body);
        assert_eq!(error.code(), ErrorCode::MalformedXML);
        assert_eq!(
            error.message(),
            "The XML you provided was not well-formed or did not validate against our published schema"
        );
    }

    #[test]
    fn a_document_with_or_without_namespace_is_read() {
        for body in [
            "<A><B>x &amp; &#233;&#x41;</B><C/></A>",
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- c --><s:A xmlns:s=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n <s:B><![CDATA[x & ]]>éA</s:B><s:C></s:C></s:A>\n",
        ] {
            let root = Element::parse(body.as_bytes(), "A").unwrap();
            assert_eq!(root.required("B").unwrap(), "x & éA");
            assert_eq!(root.optional("C").unwrap(), Some(""));
            assert_eq!(root.optional("D").unwrap(), None);
            root.only(&["B", "C"]).unwrap();
            root.only(&["B"]).unwrap_err();
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for body in [
            "",
            "x",
            "<A>",
            "<A></B>",
            "<A/><A/>",
            "<A/>x",
            "</A>",
            "<A>&</A>",
            "<B/>",
            "<A b=c/>",
            "<A><B>1</B>x</A>",
            "<A b='1' b='2'/>",
            "<A>&#0;</A>",
        ] {
            refused(body);
        }
        assert!(Element::parse(b"<A>\xff</A>", "A").is_err());
    }

    #[test]
    fn entities_and_document_types_are_refused() {
        refused("<!DOCTYPE A><A/>");
        refused("<!DOCTYPE A [<!ENTITY x \"y\">]><A>&x;</A>");
        refused("<A>&x;</A>");
        refused("<A b=\"&x;\"/>");
    }

    #[test]
    fn depth_count_and_size_have_limits() {
        let nested = |depth: usize| {
            let (open, close) = ("<A>".repeat(depth), "</A>".repeat(depth));
            format!("{open}{close}")
        };
        assert!(Element::parse(nested(XML_DEPTH_MAX).as_bytes(), "A").is_ok());
        refused(&nested(XML_DEPTH_MAX + 1));
        refused(&format!("<A>{}</A>", "<B/>".repeat(XML_ELEMENTS_MAX)));
        refused(&format!("<A>{}</A>", " ".repeat(XML_BODY_BYTES_MAX)));
    }

    #[test]
    fn a_repeated_element_is_refused() {
        let root = Element::parse(b"<A><B/><B/></A>", "A").unwrap();
        root.optional("B").unwrap_err();
        root.required("C").unwrap_err();
    }
}
