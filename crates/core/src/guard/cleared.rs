//! The one way to a plan that may be applied.

use super::{Finding, Level};
use crate::plan::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A named person's word that one plan may run once, in spite of its findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The plan that was looked at.
    pub digest: Digest,
    /// Who looked.
    pub by: String,
    /// Until when the word holds.
    pub expires_at: Timestamp,
}

/// A plan that may be applied. Nothing but [`clear`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleared<P> {
    plan: P,
    digest: Digest,
    approved_by: Option<String>,
}

/// A plan that may not be applied, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal<P> {
    /// The plan.
    pub plan: P,
    /// What was found; at least one finding blocks.
    pub findings: Vec<Finding>,
}

impl<P> Cleared<P> {
    /// The plan.
    pub fn plan(&self) -> &P {
        &self.plan
    }

    /// Its digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Who approved it, where it needed that.
    pub fn approved_by(&self) -> Option<&str> {
        self.approved_by.as_deref()
    }
}

/// Clears a plan that no finding blocks, or whose very digest was approved and is not too late.
pub fn clear<P>(
    plan: P,
    digest: Digest,
    findings: Vec<Finding>,
    approval: Option<&Approval>,
    now: Timestamp,
) -> Result<Cleared<P>, Refusal<P>> {
    if findings.iter().all(|finding| finding.level != Level::Block) {
        return Ok(Cleared { plan, digest, approved_by: None });
    }
    let approval = approval.filter(|approval| approval.digest == digest && now < approval.expires_at);
    match approval {
        Some(approval) => Ok(Cleared { plan, digest, approved_by: Some(approval.by.clone()) }),
        None => Err(Refusal { plan, findings }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn approval_counts_for_its_digest_and_until_its_end_only() {
        let digest = |text: &str| Digest(text.into());
        let now = Timestamp::UNIX_EPOCH;
        let approval = |text: &str, hours| Approval {
            digest: digest(text),
            by: "ann".into(),
            expires_at: now + SignedDuration::from_hours(hours),
        };
        let block = || vec![Finding::block("new_accounts", "run", "too many")];
        let try_with = |approval: Option<&Approval>| clear((), digest("a"), block(), approval, now);
        assert!(try_with(None).is_err());
        assert!(try_with(Some(&approval("b", 1))).is_err());
        assert!(try_with(Some(&approval("a", 0))).is_err());
        assert_eq!(try_with(Some(&approval("a", 1))).unwrap().approved_by(), Some("ann"));
        assert_eq!(clear((), digest("a"), vec![Finding::warn("x", "y", "z")], None, now).unwrap().approved_by(), None);
    }
}
