//! The Python environment of the client lanes: made once under `target/venv`, from pinned versions.
//!
//! Guarantees: it is made again when `conformance/requirements.txt` changes.
//! Does not: touch the system's Python, or install anything by the system's package manager.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{binary, process};

/// Why there is no environment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoPython {
    /// The machine lacks a tool: lanes are skipped, loudly.
    Missing(&'static str),
    /// It should have worked: lanes fail.
    Broken(String),
}

/// The interpreter of the environment, made first where it is absent or out of date.
pub(crate) fn interpreter(root: &Path) -> Result<PathBuf, NoPython> {
    let venv = binary::target(root).join("venv");
    let python = venv.join("bin/python");
    let requirements = root.join("conformance/requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .map_err(|error| NoPython::Broken(format!("{}: {error}", requirements.display())))?;
    let stamp = venv.join("requirements.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == wanted) {
        return Ok(python);
    }
    check_machine()?;
    make(&venv, &python, &requirements)?;
    fs::write(&stamp, wanted).map_err(|error| NoPython::Broken(error.to_string()))?;
    Ok(python)
}

fn check_machine() -> Result<(), NoPython> {
    if !process::answers(Command::new("python3").arg("--version")) {
        return Err(NoPython::Missing("no python3 (apt-get install python3 python3-venv)"));
    }
    if !process::answers(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        return Err(NoPython::Missing("no python3-venv (apt-get install python3-venv)"));
    }
    Ok(())
}

fn make(venv: &Path, python: &Path, requirements: &Path) -> Result<(), NoPython> {
    let made = process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv));
    if !made.success {
        return Err(NoPython::Broken("python3 -m venv failed".to_owned()));
    }
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    if !process::run(pip.arg(requirements)).success {
        return Err(NoPython::Broken(
            "pip could not install conformance/requirements.txt".to_owned(),
        ));
    }
    Ok(())
}

/// A command for one script of `conformance/`, with the environment that all of them share.
pub(crate) fn script(root: &Path, python: &Path, script: &Path) -> Command {
    let mut command = Command::new(python);
    // Unbuffered, so that a lane that hangs shows how far it came.
    command.arg("-u").arg(script).current_dir(root).env("PYTHONDONTWRITEBYTECODE", "1");
    if let Some(tools) = python.parent() {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(tools.to_path_buf()).chain(std::env::split_paths(&path));
        if let Ok(joined) = std::env::join_paths(paths) {
            command.env("PATH", joined);
        }
    }
    command
}
