//! A cleared correction → one account in Moodle. After an answer that did not come it looks before it says anything.

use rollbook_core::guard::Cleared;
use rollbook_core::plan::{Correction, CorrectionPlan};
use rollbook_core::run::Outcome;
use rollbook_journal::Lease;
use rollbook_moodle::client::write::{UserUpdate, UserUpdateOutcome};
use rollbook_moodle::client::{MoodleError, MoodleReader, MoodleWriter};
use rollbook_moodle::snapshot::{Preflight, find_by_id};

/// What applying a correction needs.
pub struct Corrector<'a> {
    /// The half of the client that reads, for settling.
    pub reader: &'a MoodleReader,
    /// The half that writes.
    pub writer: &'a MoodleWriter,
    /// Proof that the token sees enough.
    pub preflight: &'a Preflight,
    /// Proof that the link is ours now.
    pub lease: &'a Lease,
}

/// Applies each change of a correction; the outcomes come in their order.
pub async fn apply_correction(cleared: &Cleared<CorrectionPlan>, with: &Corrector<'_>) -> Vec<Outcome> {
    let _ = (with.preflight, with.lease);
    let mut outcomes = Vec::new();
    for change in &cleared.plan().changes {
        let outcome = match with.writer.update_users(&[to_wire(change)]).await.as_deref() {
            Ok([UserUpdateOutcome::Done]) => Outcome::Done,
            Ok([UserUpdateOutcome::Warned { code, .. }]) => Outcome::Refused { code: code.clone() },
            Ok(_) => Outcome::Unknown,
            Err(MoodleError::Refused { code, .. }) => Outcome::Refused { code: code.clone() },
            Err(error) if !error.may_have_acted() => Outcome::NotTried { why: error.to_string() },
            Err(_) => Outcome::Unknown,
        };
        outcomes.push(settle(change, outcome, with.reader).await);
    }
    outcomes
}

/// Looks whether a change that was left unanswered is there, and whether one that was answered well really is.
async fn settle(change: &Correction, outcome: Outcome, reader: &MoodleReader) -> Outcome {
    if !matches!(outcome, Outcome::Unknown | Outcome::Done) {
        return outcome;
    }
    match find_by_id(reader, &[change.user()]).await {
        Ok(accounts) if accounts.iter().any(|account| change.is_so(account)) => Outcome::Done,
        Ok(_) | Err(_) => Outcome::Unknown,
    }
}

fn to_wire(change: &Correction) -> UserUpdate {
    let update = UserUpdate::new(change.user());
    match change {
        Correction::SetGuid { to, .. } => UserUpdate { idnumber: Some(to.clone()), ..update },
        Correction::SetMail { to, .. } => UserUpdate { email: Some(to.as_str().to_owned()), ..update },
    }
}
