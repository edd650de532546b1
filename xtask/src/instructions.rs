//! `cargo xtask instructions`: how many instructions one request costs, against a committed table.
//!
//! Guarantees: what fails here got dearer (or cheaper, and wants the table to say so), whatever else the
//! machine was doing. `--bless` writes the table anew.
//! Does not: see the kernel, TLS, waiting, or a cache miss; valgrind shows programs a processor without
//! AVX-512, so counts of bulk encryption are not those of a modern one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::ci::{Counts, Outcome, Summary};
use crate::{binary, process};

/// The committed table, beside the program that it is about.
const TABLE: &str = "bench/instructions.txt";
/// How far a count may lie from the table's: threads that wake in another order make up to 1 %.
const TOLERANCE_PERCENT: u64 = 3;
/// A workload is run with each of these counts; what the requests between them cost is what counts.
const COUNTS: [u64; 2] = [20, 120];
const HEADER: &str =
    "# Instructions a request, in user space: `cargo xtask instructions --bless`.\n";

/// Has glibc fill and copy with vector instructions whatever the length.
const VECTORS_ONLY: &str =
    "glibc.cpu.x86_rep_stosb_threshold=1073741824:glibc.cpu.x86_rep_movsb_threshold=1073741824";

type Table = BTreeMap<String, u64>;

/// Runs the lane; whether nothing failed.
pub(crate) fn run(root: &Path, bless: bool) -> bool {
    let mut summary = Summary::default();
    summary.lane("instructions", || match measured(root, bless) {
        Ok(outcome) => outcome,
        Err(message) => Outcome::failed(message),
    });
    summary.close()
}

fn measured(root: &Path, bless: bool) -> Result<Outcome, String> {
    if !process::answers(Command::new("valgrind").arg("--version")) {
        return Ok(Outcome::Skipped("no valgrind (apt-get install valgrind)".to_owned()));
    }
    let mut build = binary::cargo(root);
    build.args(["build", "--locked", "--release", "--package", "bench", "--bin", "instructions"]);
    if !process::run(&mut build).success {
        return Err("the program that is counted does not build".to_owned());
    }
    let path = root.join(TABLE);
    let committed = parse(&fs::read_to_string(&path).unwrap_or_default())?;
    let mut found = Table::new();
    for workload in committed.keys() {
        found.insert(workload.clone(), per_request(root, workload)?);
    }
    if bless {
        fs::write(&path, text(&found)).map_err(|error| format!("{}: {error}", path.display()))?;
        return Ok(Outcome::Passed(Counts::one_passed()));
    }
    let mut counts = Counts::default();
    for (workload, now) in &found {
        let before = committed[workload];
        let fits = is_within(before, *now);
        println!("{workload}: {now}, in the table {before}{}", if fits { "" } else { " FAIL" });
        *if fits { &mut counts.passed } else { &mut counts.failed } += 1;
    }
    match counts.failed {
        0 => Ok(Outcome::Passed(counts)),
        _ => Ok(Outcome::Failed(counts, format!("more than {TOLERANCE_PERCENT} % off {TABLE}"))),
    }
}

fn per_request(root: &Path, workload: &str) -> Result<u64, String> {
    let [few, many] = COUNTS;
    let (with_few, with_many) = (counted(root, workload, few)?, counted(root, workload, many)?);
    let between = with_many.checked_sub(with_few).ok_or("more requests cost fewer instructions")?;
    Ok(between / (many - few))
}

fn counted(root: &Path, workload: &str, requests: u64) -> Result<u64, String> {
    let program = binary::target(root).join("release/instructions");
    let directory = binary::target(root).join("instructions");
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let out = directory.join(format!("{workload}-{requests}.callgrind"));
    let mut command = Command::new("valgrind");
    // valgrind counts `rep stosb` byte by byte, so that wiping would seem to be a quarter of everything.
    command.env("GLIBC_TUNABLES", VECTORS_ONLY);
    // Its log says again and again which new system calls it refuses (openat2), which have older ones.
    command
        .arg("--tool=callgrind")
        .arg(format!("--log-file={}", out.with_extension("log").display()));
    command.arg(format!("--callgrind-out-file={}", out.display()));
    if !process::run(command.arg(program).arg(workload).arg(requests.to_string())).success {
        return Err(format!("{workload} failed under valgrind"));
    }
    let profile =
        fs::read_to_string(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    total(&profile).ok_or_else(|| format!("{} has no summary", out.display()))
}

/// The line `summary: N` of a callgrind profile.
fn total(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok())
}

fn parse(text: &str) -> Result<Table, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let rows: Option<Table> = lines
        .map(|line| {
            let (name, count) = line.split_once(' ')?;
            Some((name.to_owned(), count.trim().parse().ok()?))
        })
        .collect();
    match rows {
        Some(rows) if !rows.is_empty() => Ok(rows),
        _ => Err(format!("{TABLE} has no rows `workload count`")),
    }
}

fn text(table: &Table) -> String {
    let rows = table.iter().map(|(name, count)| format!("{name} {count}\n"));
    std::iter::once(HEADER.to_owned()).chain(rows).collect()
}

fn is_within(before: u64, now: u64) -> bool {
    before.abs_diff(now) * 100 <= before * TOLERANCE_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_comes_back_as_it_was_written() {
        let table = Table::from([("get-4k".to_owned(), 60_000), ("head".to_owned(), 50_000)]);
        assert_eq!(parse(&text(&table)).unwrap(), table);
        assert!(parse("").is_err() && parse("get-4k many").is_err());
    }

    #[test]
    fn a_count_that_moved_is_seen_either_way() {
        assert!(is_within(100_000, 103_000) && is_within(100_000, 97_000));
        assert!(!is_within(100_000, 103_001) && !is_within(100_000, 96_999));
    }

    #[test]
    fn the_total_is_read_off_a_profile() {
        assert_eq!(total("events: Ir\nsummary: 422434514\n\nob=(1)\n"), Some(422_434_514));
        assert_eq!(total("events: Ir\n"), None);
    }
}
