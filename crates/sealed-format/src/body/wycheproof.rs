//! The Wycheproof vectors of Cobblestone-256: a judge that we did not write.
//!
//! They give an input key and a context of any length, so they are applied below the public API,
//! which derives both.

use aws_lc_rs::digest::{SHA512, digest};
use serde_json::Value;

use super::*;
use crate::layout::{plain_length, sealed_chunk_range};

const FILE: &str =
    include_str!("../../tests/wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json");

#[test]
fn every_vector_is_judged_as_wycheproof_judges_it() {
    for gcm in [AesGcm::AwsLc, AesGcm::Ring] {
        every_vector_is_judged_by(gcm);
    }
}

fn every_vector_is_judged_by(gcm: AesGcm) {
    let file: Value = serde_json::from_str(FILE).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    let tests: Vec<&Value> = groups.iter().flat_map(|g| g["tests"].as_array().unwrap()).collect();
    assert_eq!(tests.len() as u64, file["numberOfTests"].as_u64().unwrap());
    assert_eq!(tests.len(), 35);
    for test in tests {
        let name = format!("tc{}: {}", test["tcId"], test["comment"]);
        let valid = test["result"] == "valid";
        assert_eq!(judge(gcm, test, &name).is_ok(), valid, "{name}");
    }
}

/// Opens a vector chunk by chunk. What opened before a refusal must be the prefix that the vector
/// names.
fn judge(gcm: AesGcm, test: &Value, name: &str) -> Result<(), Damaged> {
    let key = bytes(&test["key"]);
    let Ok(key) = <[u8; KEY_BYTES]>::try_from(&key[..]) else {
        // Our keys have 32 bytes by their type.
        return Err(Damaged("the key has another length"));
    };
    let key = Secret::filled_by("test", |out| *out = key);
    let sealed = miniz_oxide::inflate::decompress_to_vec_zlib(&bytes(&test["ct"])).unwrap();
    let (header, stored) = sealed.split_at(sealed.len().min(PART_HEADER_BYTES));
    let header = PartHeader::decode(header)?;
    let length = plain_length(stored.len() as u64).ok_or(Damaged("no such sealed length"));
    // Without a possible length only the whole chunks before the end can be judged, as a stream
    // would.
    let whole_chunks = (stored.len() / SEALED_CHUNK_BYTES * CHUNK_BYTES) as u64;
    let context = bytes(&test["ctx"]);
    let length_known = length.unwrap_or(whole_chunks);
    let opener = PartOpener::with_input_key(gcm, &key, &context, &header, length_known)?;
    check_raw(&opener, test, name);
    let (plain, end) = open_while_good(&opener, stored);
    assert!(open_as_run(&opener, stored, &plain) || length.and(end).is_err(), "{name}");
    if let Some(hash) = test["msgSha512"].as_str() {
        assert_eq!(plain.len() as u64, test["msgLength"].as_u64().unwrap(), "{name}");
        assert_eq!(digest(&SHA512, &plain).as_ref(), bytes_of(hash), "{name}");
    } else {
        assert!(plain.is_empty(), "{name}");
    }
    length.and(end)
}

fn open_while_good(opener: &PartOpener, stored: &[u8]) -> (Vec<u8>, Result<(), Damaged>) {
    let mut plain = Vec::new();
    let mut out = vec![0; CHUNK_BYTES];
    for index in 0..chunk_count(opener.plain_length) {
        let range = sealed_chunk_range(opener.plain_length, index);
        let Some(sealed) = stored.get(range.start as usize..range.end as usize) else {
            return (plain, Err(Damaged("the stored bytes end early")));
        };
        match opener.open_chunk(index, sealed, &mut out) {
            Ok(length) => plain.extend_from_slice(&out[..length]),
            Err(damaged) => return (plain, Err(damaged)),
        }
    }
    (plain, Ok(()))
}

/// Opened as one run, the same comes of it, or nothing.
fn open_as_run(opener: &PartOpener, stored: &[u8], plain: &[u8]) -> bool {
    let mut run = stored.to_vec();
    let opened = opener.open_run(0, &mut run);
    match opened {
        Ok(length) => assert_eq!(&run[..length], plain),
        Err(_) => assert!(run.iter().all(|byte| *byte == 0)),
    }
    opened.is_ok()
}

/// The vectors also name the derived base nonce.
fn check_raw(opener: &PartOpener, test: &Value, name: &str) {
    if let Some(nonce) = test["baseNonce"].as_str() {
        assert_eq!(opener.cipher.base_nonce[..], bytes_of(nonce), "{name}");
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    bytes_of(value.as_str().unwrap())
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks_exact(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
