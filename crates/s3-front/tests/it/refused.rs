//! What is not offered is refused by its name, as docs/s3-compatibility.md says row by row; and what is
//! answered as unset is.

use std::{collections::BTreeSet, fs, path::Path};

use s3_front::route::{REFUSED_ON_BUCKETS, REFUSED_ON_OBJECTS};

use crate::{deletes::crc32, world::World};

/// A row of "Refused operations".
struct Row {
    operation: String,
    method: String,
    target: String,
    status: u16,
    code: String,
    test: String,
}

fn rows() -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("../../docs/s3-compatibility.md")).unwrap();
    let (_, section) = document.split_once("\n## Refused operations\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines.map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [operation, request, answer, _since, test] = cells[..] else { panic!("{line}") };
    let (method, target) = request.trim_matches('`').split_once(' ').expect(line);
    let mut answer = answer.split(' ');
    Row {
        operation: operation.into(),
        method: method.into(),
        target: target.replace("/bucket", "/bkt").replace("/key", "/k"),
        status: answer.next().unwrap().parse().expect(line),
        code: answer.next().expect(line).into(),
        test: test.trim_matches('`').into(),
    }
}

/// Each row's request, as the document has it, gets the row's answer, and changes nothing.
#[tokio::test]
async fn every_refused_operation_answers_as_the_document_says() {
    let world = World::new().await;
    world.put("/bkt/k", "kept").await;
    let commits = world.counts.so_far();
    for row in rows() {
        let reply = world.ask(&row.method, &row.target).body("lost").send().await;
        let reply = reply.expect_error(row.status, &row.code);
        assert!(!reply.polled, "{}", row.operation);
        if row.status == 501 {
            let named = format!("{} is not implemented.", row.operation);
            assert_eq!(reply.element("Message"), Some(named));
        }
        assert_eq!(row.test, "refused");
    }
    assert_eq!(world.counts.so_far(), commits);
    assert_eq!(world.ask("GET", "/bkt/k").send().await.text(), "kept");
}

/// The document has every row of the router's table.
#[test]
fn the_document_names_every_refused_operation() {
    let documented: BTreeSet<_> = rows().into_iter().map(|row| row.operation).collect();
    for row in REFUSED_ON_BUCKETS.iter().chain(REFUSED_ON_OBJECTS) {
        assert!(documented.contains(row.name), "{}", row.name);
    }
}

#[tokio::test]
async fn acceleration_and_payment_are_as_never_set() {
    let world = World::new().await;
    world.add_user("alice").await;
    let accelerate = world.ask("GET", "/bkt?accelerate").send().await.expect_status(200);
    assert!(accelerate.text().ends_with("<AccelerateConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></AccelerateConfiguration>"));
    let payment = world.ask("GET", "/bkt?requestPayment").send().await.expect_status(200);
    assert_eq!(payment.element("Payer").as_deref(), Some("BucketOwner"));
    let put = |payer: &str| {
        let body = format!(
            "<RequestPaymentConfiguration><Payer>{payer}</Payer></RequestPaymentConfiguration>"
        );
        let ask = world.ask("PUT", "/bkt?requestPayment");
        ask.header("x-amz-checksum-crc32", &crc32(&body)).body(body)
    };
    put("BucketOwner").send().await.expect_status(200);
    put("Requester").send().await.expect_error(501, "NotImplemented");
    put("Nobody").send().await.expect_error(400, "MalformedXML");
    assert!(!put("BucketOwner").by("alice").send().await.expect_error(403, "AccessDenied").polled);
    for target in ["/bkt?accelerate", "/bkt?requestPayment"] {
        world.ask("GET", target).by("alice").send().await.expect_error(403, "AccessDenied");
    }
}
