//! Rules as a document.
//!
//! Guarantees: what was put comes back: ids, both forms of the prefix, one predicate or `And`.

use object_engine::clock::Timestamp;

use super::{Configuration, Expiration, Filter, Form, Rule};
use crate::{response::time, xml::XmlWriter};

/// What the stored document says beside the rules; S3 has it in a header.
pub(super) const MINIMUM: &str = "TransitionDefaultMinimumObjectSize";

impl Configuration {
    /// The document that is answered.
    pub(crate) fn document(&self) -> String {
        let mut writer = XmlWriter::new("LifecycleConfiguration");
        self.write_rules(&mut writer);
        writer.finish()
    }

    /// The document that is stored.
    pub(crate) fn to_stored(&self) -> String {
        let mut writer = XmlWriter::new("LifecycleConfiguration");
        writer.text(MINIMUM, self.transition_minimum.name());
        self.write_rules(&mut writer);
        writer.finish()
    }

    fn write_rules(&self, writer: &mut XmlWriter) {
        for rule in &self.rules {
            writer.inside("Rule", |writer| write_rule(writer, rule));
        }
    }
}

fn write_rule(writer: &mut XmlWriter, rule: &Rule) {
    writer.text("ID", &rule.id);
    write_filter(writer, &rule.filter);
    writer.text("Status", if rule.enabled { "Enabled" } else { "Disabled" });
    if let Some(expiration) = rule.expiration {
        writer.inside("Expiration", |writer| {
            match expiration {
                Expiration::Days(days) => writer.text("Days", days),
                Expiration::Date(date) => writer.text("Date", iso(date)),
                Expiration::LoneMarkers(go) => writer.text("ExpiredObjectDeleteMarker", go),
            };
        });
    }
    if let Some(noncurrent) = rule.noncurrent {
        writer.inside("NoncurrentVersionExpiration", |writer| {
            writer.text("NoncurrentDays", noncurrent.days);
            writer.text_if("NewerNoncurrentVersions", noncurrent.keep);
        });
    }
    if let Some(days) = rule.abort_after_days {
        writer.inside("AbortIncompleteMultipartUpload", |writer| {
            writer.text("DaysAfterInitiation", days);
        });
    }
}

fn iso(date: Timestamp) -> String {
    time::iso(date)
}

fn write_filter(writer: &mut XmlWriter, filter: &Filter) {
    match filter.form {
        Form::Legacy => {
            writer.text_if("Prefix", filter.prefix.as_ref());
        }
        Form::One => {
            writer.inside("Filter", |writer| write_predicates(writer, filter));
        }
        Form::And => {
            writer.inside("Filter", |writer| {
                writer.inside("And", |writer| write_predicates(writer, filter));
            });
        }
    }
}

fn write_predicates(writer: &mut XmlWriter, filter: &Filter) {
    writer.text_if("Prefix", filter.prefix.as_ref());
    for (key, value) in &filter.tags {
        writer.inside("Tag", |writer| {
            writer.text("Key", key).text("Value", value);
        });
    }
    writer
        .text_if("ObjectSizeGreaterThan", filter.larger_than)
        .text_if("ObjectSizeLessThan", filter.smaller_than);
}
