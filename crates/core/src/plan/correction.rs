//! A correction of one account by a person's word: the feed's GUID, or its mail address, is written into it.
//!
//! The person says which account it is; what would make two of somebody, or somebody of two, is refused all the same.

use super::{Digest, digest};
use crate::matching::derive_username;
use crate::model::{Account, FeedRecord, Fingerprint, Guid, LinkName, Mail, MoodleUserId};
use crate::policy::IntakePolicy;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrectionKind {
    /// This account is the person of the feed: it gets the feed's GUID.
    UseAccount(MoodleUserId),
    /// The account of the feed's GUID gets the feed's mail address.
    UpdateMail,
}

/// What a correction is planned from.
#[derive(Clone, Copy, Debug)]
pub struct CorrectionInputs<'a> {
    pub link: &'a LinkName,
    /// The newest record behind the attention item.
    pub record: &'a FeedRecord,
    pub ask: CorrectionKind,
    /// The account that the decision names, where it names one and there is one.
    pub named: Option<&'a Account>,
    /// Who has the feed's GUID now.
    pub by_guid: &'a [Account],
    /// Who has the feed's mail address now.
    pub by_mail: &'a [Account],
}

/// One intended effect on one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Correction {
    /// Write a GUID into the account's idnumber.
    SetGuid {
        user: MoodleUserId,
        /// What is there now; may be empty.
        from: Guid,
        to: Guid,
    },
    /// Write a mail address into the account.
    SetMail { user: MoodleUserId, from: Mail, to: Mail },
}

/// What a correction would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionPlan {
    pub link: LinkName,
    /// When it was made; the digest does not cover it.
    pub made_at: Timestamp,
    /// The record that gave the new value.
    pub record: Fingerprint,
    /// The account as it is now.
    pub account: Account,
    /// One change; none where it is so already.
    pub changes: Vec<Correction>,
}

/// Why an account cannot be corrected so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CannotCorrect {
    /// The record itself cannot be read.
    Unreadable,
    /// There is no such account.
    NoAccount,
    /// Nobody has the feed's GUID, so no account's mail is meant.
    NobodyHasGuid,
    /// Several accounts have the feed's GUID.
    SeveralHaveGuid(Vec<MoodleUserId>),
    /// Another account has the feed's GUID.
    GuidTaken(MoodleUserId),
    /// Another account has the feed's mail address.
    MailTaken(MoodleUserId),
    /// The named account has neither the feed's mail address nor the user name that goes with it.
    Unrelated(MoodleUserId),
    /// The named account is suspended for the whole site.
    SuspendedAccount(MoodleUserId),
}

impl CorrectionPlan {
    /// What an approval is bound to.
    pub fn digest(&self) -> Digest {
        digest(self.link.as_str(), &self.changes)
    }
}

/// Plans a correction from a fresh look at Moodle.
///
/// # Errors
/// [`CannotCorrect`]; nothing is changed then.
pub fn plan_correction(
    inputs: &CorrectionInputs<'_>,
    policy: &IntakePolicy,
    now: Timestamp,
) -> Result<CorrectionPlan, CannotCorrect> {
    let CorrectionInputs { link, record, ask, named, by_guid, by_mail } = *inputs;
    if record.reading.is_err() {
        return Err(CannotCorrect::Unreadable);
    }
    let (account, changes) = match ask {
        CorrectionKind::UseAccount(user) => {
            let account = named.filter(|account| account.id == user).ok_or(CannotCorrect::NoAccount)?;
            (account, set_guid(record, account, by_guid, policy)?)
        }
        CorrectionKind::UpdateMail => {
            let account = match by_guid {
                [account] => account,
                [] => return Err(CannotCorrect::NobodyHasGuid),
                several => return Err(CannotCorrect::SeveralHaveGuid(ids(several))),
            };
            (account, set_mail(record, account, by_mail)?)
        }
    };
    Ok(CorrectionPlan {
        link: link.clone(),
        made_at: now,
        record: record.fingerprint,
        account: account.clone(),
        changes: changes.into_iter().collect(),
    })
}

fn set_guid(
    record: &FeedRecord,
    account: &Account,
    by_guid: &[Account],
    policy: &IntakePolicy,
) -> Result<Option<Correction>, CannotCorrect> {
    if let Some(other) = by_guid.iter().find(|other| other.id != account.id) {
        return Err(CannotCorrect::GuidTaken(other.id));
    }
    let (from, to) = (Guid::new(account.guid.trim()), record.guid());
    if from.folded() == to.folded() {
        return Ok(None);
    }
    if account.suspended {
        return Err(CannotCorrect::SuspendedAccount(account.id));
    }
    let has_name = derive_username(record, policy).is_ok_and(|name| name == account.username.to_lowercase());
    if !record.mail().same_as(&account.mail) && !has_name {
        return Err(CannotCorrect::Unrelated(account.id));
    }
    Ok(Some(Correction::SetGuid { user: account.id, from, to }))
}

fn set_mail(record: &FeedRecord, account: &Account, by_mail: &[Account]) -> Result<Option<Correction>, CannotCorrect> {
    let to = record.mail();
    if to.same_as(&account.mail) {
        return Ok(None);
    }
    match by_mail.iter().find(|other| other.id != account.id) {
        Some(other) => Err(CannotCorrect::MailTaken(other.id)),
        None => Ok(Some(Correction::SetMail { user: account.id, from: Mail::new(account.mail.as_str()), to })),
    }
}

fn ids(accounts: &[Account]) -> Vec<MoodleUserId> {
    accounts.iter().map(|account| account.id).collect()
}

impl Correction {
    pub fn user(&self) -> MoodleUserId {
        match self {
            Self::SetGuid { user, .. } | Self::SetMail { user, .. } => *user,
        }
    }

    /// Whether an account is as this change wants it.
    pub fn is_so(&self, account: &Account) -> bool {
        match self {
            Self::SetGuid { user, to, .. } => {
                account.id == *user && Guid::new(account.guid.trim()).folded() == to.folded()
            }
            Self::SetMail { user, to, .. } => account.id == *user && to.same_as(&account.mail),
        }
    }
}

impl fmt::Display for Correction {
    /// A line of the printed plan.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetGuid { user, from, to } if from.as_str().is_empty() => {
                write!(out, "give account {user} the GUID {to}")
            }
            Self::SetGuid { user, from, to } => write!(out, "change the GUID of account {user} from {from} to {to}"),
            Self::SetMail { user, from, to } => write!(out, "change the mail of account {user} from {from} to {to}"),
        }
    }
}

impl CannotCorrect {
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unreadable => "have the record corrected in the ELM",
            Self::NoAccount => "look at the account's number in Moodle; a deleted account does not count",
            Self::NobodyHasGuid => "say which account it is: use this account",
            Self::SeveralHaveGuid(_) => "take the GUID from all but one of them in Moodle",
            Self::GuidTaken(_) => "take the GUID from that account in Moodle first, if it is not the person's",
            Self::MailTaken(_) => "change that account's mail address in Moodle first, if it is not the person's",
            Self::Unrelated(_) => "change the account's mail address in Moodle first, if it is the person's",
            Self::SuspendedAccount(_) => "let the account log in again in Moodle first, if it is the person's",
        }
    }
}

impl fmt::Display for CannotCorrect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => out.write_str("the record cannot be read"),
            Self::NoAccount => out.write_str("there is no such account"),
            Self::NobodyHasGuid => out.write_str("no account has the feed's GUID"),
            Self::SeveralHaveGuid(users) => write!(out, "{} accounts have the feed's GUID", users.len()),
            Self::GuidTaken(user) => write!(out, "account {user} has the feed's GUID"),
            Self::MailTaken(user) => write!(out, "account {user} has the feed's mail address"),
            Self::Unrelated(user) => {
                write!(out, "account {user} has neither the feed's mail address nor the user name that goes with it")
            }
            Self::SuspendedAccount(user) => write!(out, "account {user} is suspended for the whole site"),
        }
    }
}

impl std::error::Error for CannotCorrect {}
