//! What policies say of Object Lock, where the operation's own permission is not enough.
//!
//! Guarantees: what a body says of a lock is asked about before it is set; a lock is shown only to who
//! may ask for it.
//! Does not: keep versions from being removed; the engine does.

use object_engine::model::{Attached, Bucket, LegalHold, ObjectKey, Retention, VersionSelector};

use super::Call;
use crate::{
    error::S3Result,
    policy::{Action, Context},
    request::object_lock::{days_until, legal_hold_name, mode_name},
    response::time,
};

/// `s3:object-lock-remaining-retention-days`.
pub(super) const REMAINING_DAYS: &str = "s3:object-lock-remaining-retention-days";

impl Call<'_> {
    /// Asks again about PutObjectRetention, with the retention that the body brings.
    pub(crate) async fn authorise_retention(
        &self,
        bucket: &Bucket,
        retention: Retention,
    ) -> S3Result<()> {
        let days = days_until(retention.until, self.service.options.clock.now());
        let fill = |context: &mut Context| {
            context.set("s3:object-lock-mode", mode_name(retention.mode));
            context.set("s3:object-lock-retain-until-date", time::precise(retention.until));
            context.set(REMAINING_DAYS, days.to_string());
        };
        self.authorise_with(bucket, Action::PutObjectRetention, fill).await
    }

    /// Asks again about PutObjectLegalHold, with the hold that the body brings.
    pub(crate) async fn authorise_legal_hold(
        &self,
        bucket: &Bucket,
        hold: LegalHold,
    ) -> S3Result<()> {
        let fill =
            |context: &mut Context| context.set("s3:object-lock-legal-hold", legal_hold_name(hold));
        self.authorise_with(bucket, Action::PutObjectLegalHold, fill).await
    }

    /// What of a version's lock the caller may see beside the object.
    pub(crate) async fn visible_lock(
        &self,
        bucket: &Bucket,
        target: (&ObjectKey, VersionSelector),
        attached: &Attached,
    ) -> S3Result<(Option<Retention>, Option<LegalHold>)> {
        let (mut retention, mut hold) = (attached.retention, attached.legal_hold);
        if retention.is_some()
            && !self.decide_key(bucket, target, Action::GetObjectRetention).await?.allowed
        {
            retention = None;
        }
        if hold.is_some()
            && !self.decide_key(bucket, target, Action::GetObjectLegalHold).await?.allowed
        {
            hold = None;
        }
        Ok((retention, hold))
    }
}
