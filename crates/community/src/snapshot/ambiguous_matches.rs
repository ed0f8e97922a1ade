//! Who else of a community could have an account: a part of a community does not show them, and one account is nobody's where
//! two members fit it.

use super::jsonapi::{OpenJsonApi, to_person};
use super::queries;
use super::sql::{OpenSql, read_person};
use super::{CommunityError, OpenCommunity};
use crate::client::{DrupalError, UserKey, WhichMemberships, WireUser};
use rollbook_core::model::{CommunityPerson, CommunityUserId};
use rollbook_remote::database::Arg;
use std::collections::{BTreeMap, BTreeSet};

/// What of Moodle's accounts a member could be matched by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AmbiguityQuery {
    /// Mail addresses, folded.
    pub mails: BTreeSet<String>,
    /// User names, folded.
    pub names: BTreeSet<String>,
    /// Who is known already.
    pub known: BTreeSet<CommunityUserId>,
}

impl OpenCommunity {
    /// The members of any guild, other than those known, who have one of these addresses or names.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn find_ambiguous_matches(
        &self,
        question: &AmbiguityQuery,
    ) -> Result<Vec<CommunityPerson>, CommunityError> {
        if question.mails.is_empty() && question.names.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::JsonApi(community) => community.find_ambiguous_matches(question).await,
            Self::Sql(community) => community.find_ambiguous_matches(question).await,
        }
    }
}

impl OpenJsonApi {
    async fn find_ambiguous_matches(&self, question: &AmbiguityQuery) -> Result<Vec<CommunityPerson>, CommunityError> {
        let list = |words: &BTreeSet<String>| words.iter().cloned().collect::<Vec<_>>();
        let (mails, names) = (list(&question.mails), list(&question.names));
        let (by_mail, by_name) =
            tokio::try_join!(async { allowed(self.reader.find_holders(UserKey::Mail, &mails).await) }, async {
                allowed(self.reader.find_holders(UserKey::Name, &names).await)
            })?;
        let found = by_mail.iter().chain(&by_name).filter_map(|user| to_person(user, None));
        let found: BTreeMap<CommunityUserId, CommunityPerson> = found.map(|person| (person.id, person)).collect();
        let mut ambiguous_matches = Vec::new();
        for person in found.into_values().filter(|person| !question.known.contains(&person.id)) {
            let memberships = self.reader.fetch_memberships(&WhichMemberships::OfUser(person.id)).await?;
            if !memberships.list.rows.is_empty() {
                ambiguous_matches.push(person);
            }
        }
        Ok(ambiguous_matches)
    }
}

/// Who may not search by addresses is shown none, and matches nobody by them.
fn allowed(found: Result<Vec<WireUser>, DrupalError>) -> Result<Vec<WireUser>, DrupalError> {
    match found {
        Err(DrupalError::Denied { status: 403, .. }) => Ok(Vec::new()),
        other => other,
    }
}

impl OpenSql {
    async fn find_ambiguous_matches(&self, question: &AmbiguityQuery) -> Result<Vec<CommunityPerson>, CommunityError> {
        let mut found = BTreeMap::new();
        for (words, sql) in [(&question.mails, queries::PEOPLE_BY_MAILS), (&question.names, queries::PEOPLE_BY_NAMES)] {
            let words: Vec<Arg> = words.iter().cloned().map(Arg::Text).collect();
            for row in self.tables.rows_in("looking who else has an account", sql, &words).await? {
                let person = read_person(&row)?;
                found.insert(person.id, person);
            }
        }
        let mut ambiguous_matches = Vec::new();
        for person in found.into_values().filter(|person| !question.known.contains(&person.id)) {
            if !self.fetch_memberships(Some(("entity_id", person.id.0))).await?.is_empty() {
                ambiguous_matches.push(person);
            }
        }
        Ok(ambiguous_matches)
    }
}
