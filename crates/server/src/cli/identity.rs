//! What is typed about users and their access keys.
//!
//! Guarantees: a secret need not stand in the arguments, which show in process lists. Does not: check
//! names or secrets; `users` does, in whichever process keeps them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::FrontEnds;
use crate::metadata::SecretUrl;

/// Where the catalog is that a command speaks about.
#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    /// The data directory of the server [default: ./strongroom-data]
    #[arg(long, value_name = "DIR", env = "STRONGROOM_DATA_DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// The server's master key, where it is not DATA_DIR/master.key
    #[arg(long, value_name = "FILE", env = "STRONGROOM_MASTER_KEY_FILE", global = true)]
    pub(crate) master_key_file: Option<PathBuf>,
    /// The server's catalog, where it is not in the data directory; asked only while no server runs
    #[arg(
        long,
        value_name = "URL",
        env = "STRONGROOM_METADATA",
        hide_env_values = true,
        global = true
    )]
    pub(crate) metadata: Option<SecretUrl>,
    /// Whether other servers may serve the catalog at the same time, as for `serve`
    #[arg(long, value_name = "one|several", env = "STRONGROOM_FRONT_ENDS", global = true)]
    pub(crate) front_ends: Option<FrontEnds>,
    /// Where the server's blobs are, as for `serve`
    #[arg(
        long,
        value_name = "URL",
        env = "STRONGROOM_BLOBS",
        hide_env_values = true,
        global = true
    )]
    pub(crate) blobs: Option<SecretUrl>,
}

/// `strongroom user`.
#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: UserCommand,
    /// Whose users.
    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// The commands about users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user: an account of its own with one access key, which is printed once.
    Add(UserAddArgs),
    /// List the users, one a line: name, canonical id, display name, e-mail address.
    List,
    /// Remove a user and its access keys; its buckets stay.
    Remove {
        /// The name that it was added under.
        name: String,
    },
}

/// `strongroom user add`.
#[derive(Debug, Args)]
pub(crate) struct UserAddArgs {
    /// A unique name: 1 to 64 of letters, digits and `+=,.@_-`.
    pub(crate) name: String,
    /// The canonical user id [default: 64 random hexadecimal digits]
    #[arg(long, value_name = "CANONICAL_ID")]
    pub(crate) id: Option<String>,
    /// The name that listings show [default: NAME]
    #[arg(long, value_name = "N")]
    pub(crate) display_name: Option<String>,
    /// An e-mail address.
    #[arg(long, value_name = "E")]
    pub(crate) email: Option<String>,
    /// The access key [default: drawn at random]
    #[arg(long, value_name = "K", requires = "secret_key")]
    pub(crate) access_key: Option<String>,
    /// Its secret; visible in process lists, so rather take STRONGROOM_USER_SECRET_KEY
    #[arg(
        long,
        value_name = "S",
        requires = "access_key",
        env = "STRONGROOM_USER_SECRET_KEY",
        hide_env_values = true
    )]
    pub(crate) secret_key: Option<String>,
    /// A file with the user's policy, a JSON document.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// `strongroom key`.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
    /// Whose keys.
    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// The commands about access keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Add a further access key to a user; it is printed once.
    Add(KeyAddArgs),
    /// List access keys, one a line: id, user, `enabled` or `disabled`. Secrets are never listed.
    List {
        /// Only those of this user.
        user: Option<String>,
    },
    /// Let a key sign no more, from the next request; it can be enabled again.
    Disable {
        /// The access key.
        id: String,
    },
    /// Let a disabled key sign again.
    Enable {
        /// The access key.
        id: String,
    },
    /// Remove a key for good; its user and the user's buckets stay.
    Remove {
        /// The access key.
        id: String,
    },
}

/// `strongroom key add`.
#[derive(Debug, Args)]
pub(crate) struct KeyAddArgs {
    /// The name of the user.
    pub(crate) user: String,
    /// The access key [default: drawn at random]
    #[arg(long, value_name = "K", requires = "secret_key")]
    pub(crate) access_key: Option<String>,
    /// Its secret; visible in process lists, so rather take STRONGROOM_USER_SECRET_KEY
    #[arg(
        long,
        value_name = "S",
        requires = "access_key",
        env = "STRONGROOM_USER_SECRET_KEY",
        hide_env_values = true
    )]
    pub(crate) secret_key: Option<String>,
}
