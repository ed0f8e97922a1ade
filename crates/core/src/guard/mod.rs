//! Why a plan may not run: named checks over a plan, and the only way to a [`Cleared`] plan.

mod completions;
mod guilds;
mod intake;

pub use crate::guard::completions::{CompletionsView, check_completions};
pub use crate::guard::guilds::{GuildView, check_guilds};
pub use crate::guard::intake::{IntakeView, check_intake};
use crate::model::{FeedRecord, MoodleUserId};
use crate::plan::{CorrectionPlan, Digest};
use crate::policy::Protected;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

// What a check found: whether it blocks, what about, and how close to the limit.

/// Whether a finding stops the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Somebody should know; the plan may run.
    Warn,
    /// The plan may not run until a named person approves it.
    Block,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The check's name, as in the configuration and the docs.
    pub check: String,
    /// Whether it stops the plan.
    pub level: Level,
    /// What it is about: a course, a person, the feed.
    pub subject: String,
    /// What was found, with the number and the limit.
    pub message: String,
}

impl Finding {
    /// A finding that stops the plan.
    pub fn block(check: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), level: Level::Block, subject: subject.into(), message: message.into() }
    }

    /// A finding that does not.
    pub fn warn(check: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), level: Level::Warn, subject: subject.into(), message: message.into() }
    }

    /// A limit on a count: blocks above it, warns from four fifths of it, else says nothing.
    pub fn of_count(check: &str, what: &str, count: u64, limit: u64) -> Option<Self> {
        let message = format!("{what}: {count}, the limit is {limit}");
        if count > limit {
            Some(Self::block(check, "run", message))
        } else if count > 0 && count.saturating_mul(5) >= limit.saturating_mul(4) {
            Some(Self::warn(check, "run", message))
        } else {
            None
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Warn => "warning",
            Level::Block => "blocked",
        };
        write!(out, "{level}: {} ({}): {}", self.check, self.subject, self.message)
    }
}

// The one way to a plan that may be applied.

/// A named person's word that one plan may run once, in spite of its findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The plan that was looked at.
    pub digest: Digest,
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
    pub plan: P,
    /// What was found; at least one finding blocks.
    pub findings: Vec<Finding>,
}

impl<P> Cleared<P> {
    pub fn plan(&self) -> &P {
        &self.plan
    }

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

// Nobody on the protected list is corrected, whoever asks; nor the account that Rollbook itself signs in with.

/// Every check of a correction.
pub fn check_correction(
    plan: &CorrectionPlan,
    record: &FeedRecord,
    protected: &Protected,
    service_account: MoodleUserId,
) -> Vec<Finding> {
    let CorrectionPlan { account, changes, .. } = plan;
    let subject = || changes.first().map_or_else(String::new, ToString::to_string);
    let entry = protected.entry_for(record, Some(account)).filter(|_| !changes.is_empty());
    let listed = entry.map(|entry| {
        let message = format!("somebody who is protected by the entry \"{entry}\" would be touched");
        Finding::block("protected", subject(), message)
    });
    let own = (account.id == service_account && !changes.is_empty())
        .then(|| Finding::block("protected", subject(), "Rollbook's own account would be touched"));
    listed.into_iter().chain(own).collect()
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
