//! Accounts and cohorts: made, changed, retired. One call after the other, since two at once could make a cohort twice.

use super::{AppliedChange, Item, Run};
use crate::engine::{Sent, in_doubt, settled};
use rollbook_core::model::{self, CohortId, CohortVisibility, Guid, GuildUuid, MoodleUserId};
use rollbook_core::plan::{CohortForm, GuildChange, Retire};
use rollbook_core::run::Outcome;
use rollbook_moodle::client::read::UserField;
use rollbook_moodle::client::write::{CohortContext, CohortUpdate, NewCohort, NewUser};
use rollbook_moodle::client::{Function, MoodleReader};
use std::collections::{BTreeMap, BTreeSet};

impl Run<'_> {
    pub(super) async fn make_accounts(&self, items: &[Item<'_>]) {
        let new = items.iter().filter_map(|item| match item.change {
            GuildChange::CreateAccount(new) => Some((item.place, new)),
            _ => None,
        });
        let (places, new): (Vec<usize>, Vec<_>) = new.unzip();
        let wire: Vec<NewUser> = new
            .iter()
            .map(|new| {
                let guid = Guid::new("");
                let user = NewUser::new(&new.username, &new.first_name, &new.last_name, new.mail.as_str(), guid);
                NewUser { auth: new.auth.clone(), ..user }
            })
            .collect();
        let sender = &self.sender;
        let sent = sender.send(&wire, Function::CreateUsers, |part| sender.writer.create_users(part)).await;
        let mut outcomes: Vec<Result<MoodleUserId, Outcome>> =
            sent.into_iter().map(|sent| sent.into_result().map(|(id, _)| id)).collect();
        let doubtful = |outcome: &Result<_, Outcome>| outcome.as_ref().is_err_and(in_doubt);
        let usernames = new.iter().zip(&outcomes).filter(|(_, outcome)| doubtful(outcome));
        let usernames = usernames.map(|(new, _)| new.username.clone()).collect();
        let found = find_accounts(usernames, &sender.reader).await;
        for (new, outcome) in new.iter().zip(outcomes.iter_mut()).filter(|(_, outcome)| doubtful(outcome)) {
            if let Some(id) = found.get(&new.username) {
                *outcome = Ok(*id);
            }
        }
        let mut applied = Vec::new();
        for ((place, new), outcome) in places.into_iter().zip(new).zip(outcomes) {
            let (outcome, user) = parts(&outcome);
            let made = user.ok_or_else(|| outcome.clone());
            self.made().accounts.insert(new.person, made);
            applied.push(AppliedChange { place, outcome, cohort: None, user });
        }
        self.sender.report(applied).await;
    }

    pub(super) async fn change_cohorts(&self, items: &[Item<'_>]) {
        self.make_cohorts(items).await;
        self.update_cohorts(items).await;
        self.delete_cohorts(items).await;
    }

    async fn make_cohorts(&self, items: &[Item<'_>]) {
        let new: Vec<(usize, &GuildUuid, &CohortForm)> = items
            .iter()
            .filter_map(|item| match item.change {
                GuildChange::CreateCohort { guild, form, .. } => Some((item.place, guild, form)),
                _ => None,
            })
            .collect();
        let wire: Vec<NewCohort> = new
            .iter()
            .map(|(_, _, form)| NewCohort {
                context: context(form),
                name: form.name.clone(),
                idnumber: form.idnumber.0.clone(),
                description: form.description.clone(),
                visible: form.visibility == CohortVisibility::Visible,
            })
            .collect();
        let sender = &self.sender;
        let sent = sender.send(&wire, Function::CreateCohorts, |part| sender.writer.create_cohorts(part)).await;
        let mut outcomes: Vec<Result<CohortId, Outcome>> =
            sent.into_iter().map(|sent| sent.into_result().map(|cohort| cohort.id)).collect();
        let doubtful = |outcome: &Result<_, Outcome>| outcome.as_ref().is_err_and(in_doubt);
        let names = new.iter().zip(&outcomes).filter(|(_, outcome)| doubtful(outcome));
        let names: BTreeSet<&str> = names.map(|((_, _, form), _)| form.idnumber.as_str()).collect();
        let found = find_cohorts(&names, &sender.reader).await;
        for ((_, _, form), outcome) in new.iter().zip(outcomes.iter_mut()).filter(|(_, outcome)| doubtful(outcome)) {
            match (found.get(form.idnumber.as_str()), &outcome) {
                (Some(id), _) => *outcome = Ok(*id),
                (None, Err(error)) => *outcome = Err(settled(error, false)),
                (None, Ok(_)) => {}
            }
        }
        let mut applied = Vec::new();
        for ((place, guild, _), outcome) in new.into_iter().zip(outcomes) {
            let (became, cohort) = parts(&outcome);
            self.made().cohorts.insert(guild.clone(), outcome);
            applied.push(AppliedChange { place, outcome: became, cohort, user: None });
        }
        self.sender.report(applied).await;
    }

    async fn update_cohorts(&self, items: &[Item<'_>]) {
        let changed: Vec<(usize, CohortId, &CohortForm)> = items
            .iter()
            .filter_map(|item| match item.change {
                GuildChange::UpdateCohort { cohort, form, .. }
                | GuildChange::RetireCohort { cohort, retire: Retire::Hide(form), .. } => {
                    Some((item.place, *cohort, form))
                }
                _ => None,
            })
            .collect();
        let wire: Vec<CohortUpdate> = changed
            .iter()
            .map(|(_, id, form)| CohortUpdate {
                id: *id,
                context: context(form),
                name: form.name.clone(),
                idnumber: form.idnumber.0.clone(),
                description: Some(form.description.clone()),
                visible: Some(form.visibility == CohortVisibility::Visible),
            })
            .collect();
        let sender = &self.sender;
        let sent = sender.send(&wire, Function::UpdateCohorts, |part| sender.writer.update_cohorts(part)).await;
        let mut outcomes: Vec<Outcome> = sent.into_iter().map(Sent::into_outcome).collect();
        let doubtful = changed.iter().zip(&outcomes).filter(|(_, outcome)| in_doubt(outcome));
        let ids: Vec<CohortId> = doubtful.map(|((_, id, _), _)| *id).collect();
        if let (false, Ok(found)) = (ids.is_empty(), sender.reader.fetch_cohorts(&ids).await) {
            for ((_, id, form), outcome) in changed.iter().zip(outcomes.iter_mut()) {
                let now = found.iter().find(|cohort| cohort.id == *id);
                let so = now.is_some_and(|now| now.name == form.name && now.idnumber == form.idnumber.as_str());
                if in_doubt(outcome) {
                    *outcome = settled(outcome, so);
                }
            }
        }
        let applied = changed.into_iter().zip(outcomes);
        let applied = applied.map(|((place, id, _), outcome)| of_cohort(place, id, outcome)).collect();
        self.sender.report(applied).await;
    }

    async fn delete_cohorts(&self, items: &[Item<'_>]) {
        let gone: Vec<(usize, CohortId)> = items
            .iter()
            .filter_map(|item| match item.change {
                GuildChange::RetireCohort { cohort, retire: Retire::Delete, .. } => Some((item.place, *cohort)),
                _ => None,
            })
            .collect();
        let ids: Vec<CohortId> = gone.iter().map(|(_, id)| *id).collect();
        let sender = &self.sender;
        let sent = sender.send(&ids, Function::DeleteCohorts, |part| sender.writer.delete_cohorts(part)).await;
        let mut outcomes: Vec<Outcome> = sent.into_iter().map(Sent::into_outcome).collect();
        if outcomes.iter().any(in_doubt)
            && let Ok(found) = sender.reader.fetch_cohorts(&ids).await
        {
            for (id, outcome) in ids.iter().zip(outcomes.iter_mut()).filter(|(_, outcome)| in_doubt(outcome)) {
                *outcome = settled(outcome, !found.iter().any(|cohort| cohort.id == *id));
            }
        }
        let applied = gone.into_iter().zip(outcomes);
        let applied = applied.map(|((place, id), outcome)| of_cohort(place, id, outcome)).collect();
        self.sender.report(applied).await;
    }
}

fn of_cohort(place: usize, cohort: CohortId, outcome: Outcome) -> AppliedChange {
    AppliedChange { place, outcome, cohort: Some(cohort), user: None }
}

fn parts<I: Copy>(outcome: &Result<I, Outcome>) -> (Outcome, Option<I>) {
    match outcome {
        Ok(id) => (Outcome::Done, Some(*id)),
        Err(outcome) => (outcome.clone(), None),
    }
}

fn context(form: &CohortForm) -> CohortContext {
    match form.context {
        model::CohortContext::System => CohortContext::System,
        model::CohortContext::Category(id) => CohortContext::Category(id.0),
    }
}

/// Looks for cohorts that may have been made after all, by their idnumbers; one that several have is none.
async fn find_cohorts(idnumbers: &BTreeSet<&str>, reader: &MoodleReader) -> BTreeMap<String, CohortId> {
    let mut found = BTreeMap::<String, Vec<CohortId>>::new();
    if !idnumbers.is_empty() {
        for cohort in reader.fetch_all_cohorts().await.unwrap_or_default() {
            if idnumbers.contains(cohort.idnumber.as_str()) {
                found.entry(cohort.idnumber).or_default().push(cohort.id);
            }
        }
    }
    let only = |(idnumber, ids): (String, Vec<CohortId>)| match ids.as_slice() {
        [only] => Some((idnumber, *only)),
        _ => None,
    };
    found.into_iter().filter_map(only).collect()
}

/// Looks for accounts that may have been made after all, by their user names.
async fn find_accounts(usernames: Vec<String>, reader: &MoodleReader) -> BTreeMap<String, MoodleUserId> {
    if usernames.is_empty() {
        return BTreeMap::new();
    }
    let found = reader.fetch_users(UserField::Username, &usernames).await.unwrap_or_default();
    found.users.into_iter().filter_map(|user| Some((user.username?, user.id))).collect()
}
