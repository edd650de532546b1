//! The commands, one function each.

use std::{
    io::{self, Write as _},
    path::Path,
};

use zeroize::Zeroizing;

use crate::{cli::Command, failure::Failure, key_file::Key};

/// Does what was typed.
pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Generate { out: Some(path), base64 } => generate_file(&path, base64),
        Command::Generate { out: None, .. } => {
            let text = Key::generate()?.to_base64();
            print(&Zeroizing::new(format!("{}\n", text.as_str())))
        }
        Command::Md5 { file } => print(&format!("{}\n", Key::read(&file)?.md5_base64())),
        Command::Headers { file } => headers(&Key::read(&file)?),
    }
}

fn generate_file(path: &Path, base64: bool) -> Result<(), Failure> {
    let key = Key::generate()?;
    key.write_new(path)?;
    if base64 { print(&Zeroizing::new(format!("{}\n", key.to_base64().as_str()))) } else { Ok(()) }
}

fn headers(key: &Key) -> Result<(), Failure> {
    let warning = "strongkey: warning: these lines hold the key itself; keep them out of logs, \
                   shell histories and process lists";
    let _ = writeln!(io::stderr().lock(), "{warning}");
    const PREFIX: &str = "x-amz-server-side-encryption-customer";
    print(&Zeroizing::new(format!(
        "{PREFIX}-algorithm: AES256\n{PREFIX}-key: {}\n{PREFIX}-key-MD5: {}\n",
        key.to_base64().as_str(),
        key.md5_base64()
    )))
}

/// Writes to stdout; a reader that went away has what it wanted.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new("cannot write to stdout").detail(error))
        }
        _ => Ok(()),
    }
}
