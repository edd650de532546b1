//! Running another program: its output goes on to the terminal as it comes, and is kept for reading.
//!
//! Guarantees: a program that outlives its time limit is ended and counts as failed.
//! Does not: run a shell, or hide what a program says.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// No lane may hold CI for longer; the slowest (a cold build) takes a third of it on two cores.
pub(crate) const LANE_TIME_MAX: Duration = Duration::from_secs(45 * 60);

/// How a program ended, and the lines of its standard output.
pub(crate) struct Finished {
    /// It ended by itself with exit code 0.
    pub(crate) success: bool,
    /// Standard output, line by line.
    pub(crate) lines: Vec<String>,
}

/// Runs `command` to its end, showing and keeping its standard output.
pub(crate) fn run(command: &mut Command) -> Finished {
    run_within(LANE_TIME_MAX, command)
}

/// As [`run`], for a program that may take longer than a lane of CI.
pub(crate) fn run_within(time_max: Duration, command: &mut Command) -> Finished {
    println!("+ {}", shown(command));
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            println!("cannot start {}: {error}", command.get_program().display());
            return Finished { success: false, lines: vec![] };
        }
    };
    let output = child.stdout.take().expect("stdout was piped two lines above");
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
        let text = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
        text.inspect(|line| println!("{line}")).collect::<Vec<_>>()
    });
    let success = wait(&mut child, time_max);
    let lines = reader.join().unwrap_or_default();
    Finished { success, lines }
}

/// Whether `command` runs and succeeds, in silence: is this tool here?
pub(crate) fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn wait(child: &mut Child, time_max: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < time_max {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Err(_) => return false,
        }
    }
    println!("ended after {} minutes", time_max.as_secs() / 60);
    // Both may fail only because the program has ended meanwhile, which is what is wanted.
    drop(child.kill());
    drop(child.wait());
    false
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_outcome_are_kept() {
        let finished = run(Command::new("sh").args(["-c", "echo one; echo two; exit 3"]));
        assert!(!finished.success);
        assert_eq!(finished.lines, ["one", "two"]);
        assert!(run(&mut Command::new("true")).success);
    }

    #[test]
    fn a_missing_program_is_a_failure_not_a_panic() {
        assert!(!run(&mut Command::new("no-such-program-here")).success);
        assert!(!answers(&mut Command::new("no-such-program-here")));
    }
}
