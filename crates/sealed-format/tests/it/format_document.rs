//! The worked example in `docs/format/sealed-object-v1.md` is that of the vector files.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::vectors::load_all;

const DOCUMENT: &str = include_str!("../../../../docs/format/sealed-object-v1.md");
/// Where the values begin in a line of the example.
const VALUE_AT: usize = 12;

/// Label to hex, lines without a label continuing the one before. A later block may say a label
/// again.
fn worked_example() -> BTreeMap<String, Vec<String>> {
    let (_, example) = DOCUMENT.split_once("## Worked example").unwrap();
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in example.lines().filter(|line| line.is_char_boundary(VALUE_AT.min(line.len()))) {
        let (label, value) = line.split_at(VALUE_AT.min(line.len()));
        let value: String = value.split_whitespace().collect();
        if !label.trim().is_empty() {
            label.trim().clone_into(&mut current);
            said.entry(current.clone()).or_default().push(value);
        } else if let Some(last) = said.get_mut(&current).and_then(|values| values.last_mut()) {
            last.push_str(&value);
        }
    }
    said
}

#[test]
fn the_worked_example_is_that_of_the_vectors() {
    let (said, vectors) = (worked_example(), load_all());
    let says = |label: &str, hex: &str| {
        let values = said.get(label).unwrap_or_else(|| panic!("no {label} in the document"));
        assert!(values.iter().any(|value| value == hex), "{label}: {values:?} and not {hex}");
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let envelope = &vectors["envelope_good"];
    says("K", &text(&envelope["key"]));
    for field in ["bucket_uid", "version_uid", "body_id"] {
        says(field, &text(&envelope["context"][field]));
    }
    for (label, secret) in ["DEK", "MK", "CK"].iter().zip(envelope["secrets"].as_array().unwrap()) {
        says(label, &text(secret));
    }
    let bytes = text(&envelope["envelope"]);
    says("envelope", &bytes[..6]);
    says("wrap_salt", &bytes[6..70]);
    says("V", &bytes[70..134]);
    says("wrapped", &bytes[134..]);

    let body = &vectors["body_good_one_byte"];
    says("header", &text(&body["header"]));
    says("stored", &text(&body["stored"]));

    let seal = text(&vectors["seal_good_version_least"]["sealed"]);
    says("seal", &seal[..2]);
    says("salt", &seal[2..66]);
    says("sealed", &seal[66..]);

    says("mac", &text(&vectors["outline_good"]["mac"]));
    says("digest", &text(&vectors["manifest_good"]["digest"]));
}
