//! What the servers of one catalog must have alike: whatever a client would see change from one to the next, and
//! what one server's work means for what another promised.
//!
//! Guarantees: a server that differs from another that lives does not come to serve, and says in what; no secret is
//! shown or stored, but for a fingerprint under the master key. Does not: compare what is a server's own: where it
//! listens, its certificate, its limits, its log, and how much it keeps in the catalog, which any server reads.

use clap::ValueEnum;
use object_engine::engine::{Agreement, Difference, Differing, Setting, SettingValue};

use super::Store;
use crate::{
    cli::FrontEnds, config::Config, credentials::Credentials, failure::Failure, metadata::Metadata,
};

impl Store {
    /// Waits until this server is known to be set up as the others are, or refuses it. One that was killed a moment
    /// ago and was set up differently is waited for until it counts as dead.
    pub(crate) async fn agree(&self, config: &Config, root: &Credentials) -> Result<(), Failure> {
        let engine = self.0.engine();
        let Some(beat) = engine.beat_interval() else { return Ok(()) };
        let secret = [root.access_key.as_bytes(), b" ", root.secret_key.as_bytes()].concat();
        let secret = self.0.fingerprint(&zeroize::Zeroizing::new(secret));
        engine.set_up(settings(config, &root.access_key, secret), differing(&config.metadata));
        let cannot = |error| {
            Failure::failed("cannot compare settings with the other servers of the catalog")
                .detail(error)
        };
        let mut is_told = false;
        loop {
            match engine.agree().await.map_err(cannot)? {
                Agreement::Agreed => return Ok(()),
                Agreement::Differs(differences) => {
                    self.close().await?;
                    return Err(refusal(&differences));
                }
                Agreement::Undecided => {
                    if !std::mem::replace(&mut is_told, true) {
                        tracing::info!(
                            "another server is set up differently: waiting for a sign of life from it"
                        );
                    }
                    tokio::time::sleep(beat).await;
                }
            }
        }
    }
}

fn differing(metadata: &Metadata) -> Differing {
    match metadata {
        Metadata::Postgres { front_ends: FrontEnds::Changing, .. } => Differing::Tolerated,
        Metadata::Postgres { .. } | Metadata::DataDirectory => Differing::Refused,
    }
}

fn refusal(differences: &[Difference]) -> Failure {
    let told: Vec<String> = differences.iter().map(Difference::to_string).collect();
    Failure::failed("another server of the same catalog is set up differently")
        .detail(told.join("; "))
        .hint(
            "set all of them up alike; to change a setting on one after the other, start them with \
             --front-ends changing",
        )
}

fn settings(config: &Config, access_key: &str, secret: [u8; 32]) -> Vec<Setting> {
    let mut domains = config.domains.clone();
    domains.sort_unstable();
    let day = config.lifecycle_debug_interval;
    let shown = [
        ("--region", config.region.clone()),
        ("--domain", if domains.is_empty() { "none".into() } else { domains.join(",") }),
        ("--profile", name(&config.profile)),
        ("--copy-mode", name(&config.copy_mode)),
        ("--new-bucket-object-ownership", name(&config.new_bucket_object_ownership)),
        ("--new-bucket-sse-c", name(&config.new_bucket_sse_c)),
        ("--signature-v2", name(&config.signature_v2)),
        ("--removal-grace-seconds", config.removal_grace.as_secs().to_string()),
        ("--lifecycle-debug-interval", day.map_or("off".into(), |day| day.to_string())),
        ("root's access key", access_key.to_owned()),
    ];
    let shown = shown.map(|(name, value)| (name, SettingValue::Shown(value)));
    let hidden = ("root's secret key", SettingValue::Hidden(secret));
    let all = shown.into_iter().chain([hidden]);
    all.map(|(name, value)| Setting { name: name.to_owned(), value }).collect()
}

/// A value as it is typed.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_named_as_they_are_typed() {
        assert_eq!(name(&crate::cli::Profile::Ceph), "ceph");
        let enforced = crate::cli::NewBucketObjectOwnership::BucketOwnerEnforced;
        assert_eq!(name(&enforced), "BucketOwnerEnforced");
    }

    #[test]
    fn only_one_on_which_settings_are_changed_bears_with_others() {
        let of = |front_ends| {
            differing(&Metadata::parse(Some("postgres://db/x".into()), front_ends).unwrap())
        };
        assert_eq!(of(None), Differing::Refused);
        assert_eq!(of(Some(FrontEnds::Several)), Differing::Refused);
        assert_eq!(of(Some(FrontEnds::Changing)), Differing::Tolerated);
        assert_eq!(differing(&Metadata::DataDirectory), Differing::Refused);
    }

    #[test]
    fn a_refusal_names_settings_and_values_and_no_secret() {
        let region = Difference {
            name: "--region".into(),
            values: Some(("eu-1".into(), "us-east-1".into())),
        };
        let secret = Difference { name: "root's secret key".into(), values: None };
        let told = refusal(&[region, secret]).to_string();
        assert!(
            told.contains(
                "--region is eu-1 here and us-east-1 there; root's secret key is not the same"
            ),
            "{told}"
        );
    }
}
