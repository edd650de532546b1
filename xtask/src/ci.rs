//! `cargo xtask ci`: every test there is, cheapest first, the same for people and machines.
//!
//! Guarantees: every lane runs even after another failed; the last line of the output is
//! `N passed, N failed, N skipped`, counting single tests; a missing tool is a loud skip.
//! Does not: need privileges or anything outside `target/`.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::binary::{self, Build};
use crate::process::{self, Finished};
use crate::{lanes, tidy};

/// Enough rounds to meet every place where a crash hurts; `cargo xtask crash` runs 200.
const CRASH_ROUNDS: &str = "10";

/// Runs all lanes; whether none failed.
pub(crate) fn run(root: &Path) -> bool {
    let mut summary = Summary::default();
    summary.lane("fmt", || cargo_lane(root, &["fmt", "--all", "--check"]));
    summary.lane("tidy", || tidy_lane(root));
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    summary.lane("clippy", || cargo_lane(root, &clippy));
    summary.lane("deny", || deny(root, &["bans", "licenses", "sources"]));
    summary.lane("advisories", || deny(root, &["advisories"]));
    summary.lane("docs", || docs(root));
    summary.lane("test", || tests(root));
    summary.lane("postgres", postgres);
    summary.lane("format judge", || lanes::format_judge(root));
    summary.lane("format memory", || lanes::format_memory(root));
    client_lanes(root, &mut summary);
    summary.close()
}

fn client_lanes(root: &Path, summary: &mut Summary) {
    let dev = binary::build(root, Build::Dev);
    for lane in lanes::QUICK {
        summary.lane(lane, || with_binary(&dev, |path| lanes::run(root, lane, path, &[])));
    }
    let rounds = ["--rounds".to_owned(), CRASH_ROUNDS.to_owned()];
    summary.lane("crash", || with_binary(&dev, |path| lanes::run(root, "crash", path, &rounds)));
    let witness = binary::build(root, Build::Witness);
    let memory = |path: &Path| lanes::run(root, "memory_scan", path, &[]);
    summary.lane("memory", || with_binary(&witness, memory));
}

fn with_binary(
    binary: &Result<std::path::PathBuf, String>,
    lane: impl FnOnce(&Path) -> Outcome,
) -> Outcome {
    match binary {
        Ok(path) => lane(path),
        Err(message) => Outcome::failed(message.clone()),
    }
}

fn cargo_lane(root: &Path, arguments: &[&str]) -> Outcome {
    whole(&process::run(binary::cargo(root).args(arguments)))
}

fn whole(finished: &Finished) -> Outcome {
    match finished.success {
        true => Outcome::Passed(Counts::one_passed()),
        false => Outcome::failed("see above".to_owned()),
    }
}

fn tidy_lane(root: &Path) -> Outcome {
    match tidy::run(root) {
        true => Outcome::Passed(Counts::one_passed()),
        false => Outcome::failed("see above".to_owned()),
    }
}

fn deny(root: &Path, checks: &[&str]) -> Outcome {
    if !process::answers(binary::cargo(root).args(["deny", "--version"])) {
        return Outcome::Skipped("no cargo-deny (cargo install --locked cargo-deny)".to_owned());
    }
    // Its findings go to standard error; a database that cannot be fetched is no finding.
    let mut command = Command::new("sh");
    command.current_dir(root).args(["-c", "\"$0\" deny --color never check \"$@\" 2>&1"]);
    command.arg(binary::cargo(root).get_program()).args(checks);
    let finished = process::run(&mut command);
    let offline =
        finished.lines.iter().any(|line| line.contains("failed to fetch advisory database"));
    match !finished.success && offline {
        true => Outcome::Skipped("no advisory database (the network does not reach it)".to_owned()),
        false => whole(&finished),
    }
}

fn docs(root: &Path) -> Outcome {
    let mut command = binary::cargo(root);
    command.args(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"]);
    // The example stands in for the tests, as in every dev build: with their features of the dependencies, which
    // clippy has checked already.
    command.args(["--lib", "--bins", "--example", binary::AS_TESTS]);
    whole(&process::run(command.env("RUSTDOCFLAGS", "-D warnings")))
}

/// The Rust tests, counted one by one over all test programs.
fn tests(root: &Path) -> Outcome {
    let mut command = binary::cargo(root);
    let finished =
        process::run(command.args(["test", "--locked", "--workspace", "--no-fail-fast"]));
    let mut total = Counts::default();
    for line in &finished.lines {
        total.add(Counts::parse_cargo(line).unwrap_or_default());
    }
    match finished.success && total.failed == 0 {
        true => Outcome::Passed(total),
        false => Outcome::Failed(total.at_least_one_failed(), "see above".to_owned()),
    }
}

/// Whether the tests of the catalog in PostgreSQL had one to look at, and a pooler: without them they pass,
/// and the test runner hides what they say.
fn postgres() -> Outcome {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    if !versions.into_iter().any(|version| version.path().join("bin/initdb").exists()) {
        return Outcome::Skipped("no PostgreSQL (apt-get install postgresql)".to_owned());
    }
    let has_pooler = Path::new("/usr/sbin/pgbouncer").exists();
    if !has_pooler {
        println!("skipped: no PgBouncer (apt-get install pgbouncer)");
    }
    Outcome::Passed(Counts { skipped: u32::from(!has_pooler), ..Counts::one_passed() })
}

/// How many tests ended in which way.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Ran and held.
    pub(crate) passed: u32,
    /// Ran and did not hold.
    pub(crate) failed: u32,
    /// Did not run, with the reason printed.
    pub(crate) skipped: u32,
}

impl Counts {
    /// A lane that is one test.
    pub(crate) fn one_passed() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    /// Reads a lane's closing line `[name: ]N passed, N failed, N skipped`.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let counts = line.rsplit(": ").next()?;
        let mut parts = counts.split(", ");
        let mut number = |word: &str| parts.next()?.strip_suffix(word)?.trim().parse().ok();
        let read = Self {
            passed: number(" passed")?,
            failed: number(" failed")?,
            skipped: number(" skipped")?,
        };
        parts.next().is_none().then_some(read)
    }

    /// Reads `test result: ok. N passed; N failed; N ignored; ...`.
    fn parse_cargo(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut parts = counts.split("; ");
        let mut number = |word: &str| parts.next()?.strip_suffix(word)?.trim().parse().ok();
        Some(Self {
            passed: number(" passed")?,
            failed: number(" failed")?,
            skipped: number(" ignored")?,
        })
    }

    /// A lane that failed shows at least one failure, also where it ended before counting it.
    pub(crate) fn at_least_one_failed(self) -> Self {
        Self { failed: self.failed.max(1), ..self }
    }

    /// Takes another count in.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// How a lane ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All that ran held.
    Passed(Counts),
    /// Something did not, and where to look.
    Failed(Counts, String),
    /// This machine lacks what the lane needs.
    Skipped(String),
}

impl Outcome {
    /// A lane that failed as a whole.
    pub(crate) fn failed(message: String) -> Self {
        Self::Failed(Counts { failed: 1, ..Counts::default() }, message)
    }

    /// Whether the run as a whole must fail.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(..))
    }

    fn counts(&self) -> Counts {
        match self {
            Self::Passed(counts) | Self::Failed(counts, _) => *counts,
            Self::Skipped(_) => Counts { skipped: 1, ..Counts::default() },
        }
    }

    fn describe(&self) -> String {
        let counts = self.counts();
        match self {
            Self::Passed(_) if counts.skipped > 0 => {
                format!("ok ({} of its checks skipped)", counts.skipped)
            }
            Self::Passed(_) => "ok".to_owned(),
            Self::Failed(_, message) => format!("FAILED: {message}"),
            Self::Skipped(reason) => format!("skipped: {reason}"),
        }
    }
}

/// The lanes that have run, for the table at the end.
#[derive(Default)]
pub(crate) struct Summary {
    rows: Vec<(String, Outcome, Duration)>,
}

impl Summary {
    /// Runs a lane and notes how it ended.
    pub(crate) fn lane(&mut self, name: &str, lane: impl FnOnce() -> Outcome) {
        println!("\n=== {name}");
        let begun = Instant::now();
        let outcome = lane();
        println!("=== {name}: {}", outcome.describe());
        self.rows.push((name.to_owned(), outcome, begun.elapsed()));
    }

    /// Prints the table and the closing line; whether nothing failed.
    pub(crate) fn close(self) -> bool {
        println!(
            "\n{:<14} {:>7} {:>7} {:>7} {:>8}  outcome",
            "lane", "passed", "failed", "skipped", "seconds"
        );
        let mut total = Counts::default();
        for (name, outcome, took) in &self.rows {
            let counts = outcome.counts();
            total.add(counts);
            let Counts { passed, failed, skipped } = counts;
            let seconds = took.as_secs_f64();
            println!(
                "{name:<14} {passed:>7} {failed:>7} {skipped:>7} {seconds:>8.1}  {}",
                outcome.describe()
            );
        }
        println!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
        !self.rows.iter().any(|(_, outcome, _)| outcome.is_failure())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_lines_are_read() {
        let counts = Counts { passed: 12, failed: 1, skipped: 2 };
        assert_eq!(Counts::parse("12 passed, 1 failed, 2 skipped"), Some(counts));
        assert_eq!(Counts::parse("wire: 12 passed, 1 failed, 2 skipped"), Some(counts));
        assert_eq!(Counts::parse("12 passed, 1 failed"), None);
        assert_eq!(Counts::parse("twelve passed, 1 failed, 2 skipped"), None);
        let line =
            "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out";
        assert_eq!(Counts::parse_cargo(line), Some(counts));
        assert_eq!(Counts::parse_cargo("running 3 tests"), None);
    }

    #[test]
    fn one_failed_lane_fails_the_run() {
        let mut summary = Summary::default();
        summary.lane("a", || Outcome::Passed(Counts::one_passed()));
        summary.lane("b", || Outcome::Skipped("no b".to_owned()));
        assert!(!summary.rows.iter().any(|(_, outcome, _)| outcome.is_failure()));
        summary.lane("c", || Outcome::failed("broken".to_owned()));
        assert!(!summary.close());
    }
}
