//! What is told when the server is ready: one line for scripts, a few for people, one for systemd.
//!
//! Guarantees: the lines to try work when pasted into another shell in another directory. Does not:
//! print a secret.

use std::{
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr as UnixAddr, UnixDatagram},
    },
    path::Path,
};

/// What there is to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready<'a> {
    /// Where HTTPS is spoken.
    pub(crate) address: SocketAddr,
    /// The data directory as it was given.
    pub(crate) data_dir: &'a Path,
    /// The region to sign for.
    pub(crate) region: &'a str,
    /// Where root's credentials stand; `None`: in the environment.
    pub(crate) credentials: Option<&'a Path>,
    /// The CA to trust; `None`: the certificate is the operator's own.
    pub(crate) ca: Option<&'a Path>,
}

impl Ready<'_> {
    /// Tells everybody. Nobody listening is no failure.
    pub(crate) fn announce(&self) {
        let text = format!("{}\n{}", self.line(), self.lines_to_try());
        let _ = io::stdout().lock().write_all(text.as_bytes());
        if let Err(error) = notify_systemd() {
            tracing::warn!(%error, "cannot notify systemd");
        }
    }

    /// The contract with scripts.
    fn line(&self) -> String {
        let data = self.data_dir.display();
        format!("strongroom is ready: {} (data in {data})", self.endpoint())
    }

    fn endpoint(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("https://{}", SocketAddr::new(ip, self.address.port()))
    }

    fn lines_to_try(&self) -> String {
        let credentials = match self.credentials {
            Some(file) => format!("export AWS_SHARED_CREDENTIALS_FILE={}", absolute(file)),
            None => "export AWS_ACCESS_KEY_ID=\"$STRONGROOM_ROOT_ACCESS_KEY\" \
                     AWS_SECRET_ACCESS_KEY=\"$STRONGROOM_ROOT_SECRET_KEY\""
                .to_owned(),
        };
        let ca = self
            .ca
            .map_or_else(String::new, |ca| format!("    export AWS_CA_BUNDLE={}\n", absolute(ca)));
        let aws = format!("aws --endpoint-url {}", self.endpoint());
        format!(
            "\nTo try it, in another terminal:\n\
             \x20   {credentials}\n\
             {ca}\
             \x20   export AWS_DEFAULT_REGION={region}\n\
             \x20   head -c 32 /dev/urandom > key.bin && echo 'only with my key' > file\n\
             \x20   {aws} s3 mb s3://vault\n\
             \x20   {aws} s3 cp --sse-c AES256 --sse-c-key fileb://key.bin file s3://vault/\n\
             \x20   {aws} s3 cp --sse-c AES256 --sse-c-key fileb://key.bin s3://vault/file file.back\n",
            region = self.region,
        )
    }
}

/// A path that holds in every directory, quoted for a shell where it needs to be.
fn absolute(path: &Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let text = full.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Tells the service manager that started this process, if one did (sd_notify(3)).
fn notify_systemd() -> io::Result<()> {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let name = name.as_encoded_bytes();
    let address = match name.strip_prefix(b"@") {
        Some(abstract_name) => UnixAddr::from_abstract_name(abstract_name)?,
        None => UnixAddr::from_pathname(std::str::from_utf8(name).map_err(io::Error::other)?)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(address: &str) -> Ready<'static> {
        Ready {
            address: address.parse().unwrap(),
            data_dir: Path::new("./strongroom-data"),
            region: "eu-1",
            credentials: Some(Path::new("/no where/credentials")),
            ca: Some(Path::new("/nowhere/ca.pem")),
        }
    }

    #[test]
    fn the_line_is_the_one_that_scripts_wait_for() {
        assert_eq!(
            ready("127.0.0.1:9443").line(),
            "strongroom is ready: https://127.0.0.1:9443 (data in ./strongroom-data)"
        );
        assert!(ready("0.0.0.0:1").line().contains("https://127.0.0.1:1 "));
        assert!(ready("[::]:1").line().contains("https://[::1]:1 "));
    }

    #[test]
    fn the_lines_to_try_name_files_quoted_and_the_region() {
        let text = ready("127.0.0.1:9443").lines_to_try();
        assert!(text.contains("export AWS_SHARED_CREDENTIALS_FILE='/no where/credentials'\n"));
        assert!(text.contains("export AWS_CA_BUNDLE=/nowhere/ca.pem\n"));
        assert!(text.contains("export AWS_DEFAULT_REGION=eu-1\n"));
        assert!(text.contains(
            "aws --endpoint-url https://127.0.0.1:9443 s3 cp --sse-c AES256 \
             --sse-c-key fileb://key.bin file s3://vault/\n"
        ));
    }

    #[test]
    fn environment_credentials_are_not_printed() {
        let text = Ready { credentials: None, ca: None, ..ready("127.0.0.1:1") }.lines_to_try();
        assert!(text.contains("\"$STRONGROOM_ROOT_SECRET_KEY\""));
        assert!(!text.contains("AWS_CA_BUNDLE"));
    }
}
