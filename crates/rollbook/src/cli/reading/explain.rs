//! `rollbook explain`: why somebody is or is not in a course, and whether HR knows that they finished.

use super::{format_time, zone_of};
use crate::cli::arguments::usage;
use crate::cli::output::{Output, Sign, Table};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::{Account, ElmCourseId, Guid, LinkName, MoodleUserId};
use rollbook_core::report::{Explanation, NowInMoodle};
use rollbook_journal::{Journal, Person};
use rollbook_moodle::snapshot::{find_by_id, read_state_now};
use rollbook_settings::{IntakeLink, Settings};
use rollbook_sync::flows::setup::make_moodle;
use serde_json::json;

/// Explain why somebody is or is not in a course
#[derive(Debug, Args)]
pub(in crate::cli) struct Explain {
    /// The person: a GUID, a mail address, or the Moodle account's id
    #[arg(long, value_name = "WHO")]
    person: String,

    /// The course: its id in the ELM, which is its ID number in Moodle
    #[arg(long, value_name = "ID")]
    course: String,

    /// The intake link, where there are several
    #[arg(long)]
    link: Option<String>,

    /// Answer from the journal alone, without asking Moodle
    #[arg(long)]
    offline: bool,
}

impl Explain {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let found = self.link(&settings)?;
        let zone = zone_of(&settings, Some(&found.link.name));
        let journal = context.journal(&settings).await?;
        let people = self.people(&journal, &found).await?;
        let course = ElmCourseId::new(&self.course);
        let mut explanations = Vec::new();
        for person in &people {
            let explained = self.gather(&journal, &found, person, &course).await?;
            print(&explained, &zone, &mut context.out);
            explanations.push(json!({ "guid": person.guid, "explanation": explained }));
        }
        context.out.json(&json!({ "course": course, "people": explanations }));
        Ok(Exit::Fine)
    }

    fn link<'a>(&self, settings: &'a Settings) -> miette::Result<IntakeLink<'a>> {
        if let Some(name) = &self.link {
            return Ok(settings.intake(&LinkName::new(name))?);
        }
        let mut links = settings.intakes();
        match (links.next(), links.next()) {
            (Some(found), None) => Ok(found),
            (None, _) => Err(miette!("the configuration has no intake link")),
            (Some(_), Some(_)) => Err(usage("the configuration has several intake links", "name one with --link")),
        }
    }

    /// Whom `--person` names. A GUID that the journal has never seen may still be one in Moodle; an account id that it has never
    /// seen is looked up there.
    async fn people(&self, journal: &Journal, found: &IntakeLink<'_>) -> miette::Result<Vec<Person>> {
        let known = |word: String| async move {
            journal
                .people()
                .find(&found.link.name, &word)
                .await
                .into_diagnostic()
                .wrap_err("while looking for the person")
        };
        let people = known(self.person.clone()).await?;
        if !people.is_empty() {
            return Ok(people);
        }
        if self.person.contains('@') || self.person.contains(' ') {
            let help = "name a GUID or a Moodle account id, or search with: rollbook log NAME";
            return Err(usage(format!("the feed has never named `{}`", self.person), help));
        }
        let Ok(id) = self.person.parse::<i64>() else {
            let (words, guid) = (self.person.clone(), Guid::new(&self.person));
            return Ok(vec![Person { words, guid, user_id: MoodleUserId(0) }]);
        };
        let account = self.find_account(found, MoodleUserId(id)).await?;
        if account.guid.is_empty() {
            let help = "an account is matched to the feed by its ID number (idnumber) in Moodle";
            return Err(usage(format!("Moodle account {id} has no ID number, so it has no GUID"), help));
        }
        let people = known(account.guid.to_string()).await?;
        if !people.is_empty() {
            return Ok(people);
        }
        Ok(vec![Person { words: format!("Moodle account {id}"), guid: Guid::new(&account.guid), user_id: account.id }])
    }

    async fn find_account(&self, found: &IntakeLink<'_>, id: MoodleUserId) -> miette::Result<Account> {
        if self.offline {
            let help = "leave --offline out to look it up in Moodle, or name a GUID";
            return Err(usage(format!("the journal knows no Moodle account {id}"), help));
        }
        let client = make_moodle(found.moodle).into_diagnostic()?;
        let accounts = find_by_id(&client.reader(), &[id]).await;
        let accounts = accounts.into_diagnostic().wrap_err_with(|| format!("while looking up Moodle account {id}"))?;
        accounts.into_iter().next().ok_or_else(|| {
            usage(format!("Moodle has no account {id}"), "deleted accounts, too, are named by their GUID")
        })
    }

    async fn gather(
        &self,
        journal: &Journal,
        found: &IntakeLink<'_>,
        person: &Person,
        course: &ElmCourseId,
    ) -> miette::Result<Explanation> {
        let story = journal.people().story(&found.link.name, &person.guid, Some(course)).await;
        let story = story.into_diagnostic().wrap_err("while reading the journal")?;
        let now = if self.offline { NowInMoodle::NotAsked } else { self.ask(found, &story.guid(person), course).await };
        Ok(story.explain(person, course, now))
    }

    async fn ask(&self, found: &IntakeLink<'_>, guid: &Guid, course: &ElmCourseId) -> NowInMoodle {
        let asked = match make_moodle(found.moodle) {
            Ok(client) => read_state_now(&client.reader(), guid, course).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        asked.unwrap_or_else(|error| {
            tracing::warn!(error, "Moodle could not be asked; the answer is the journal's");
            NowInMoodle::NotAsked
        })
    }
}

fn print(explained: &Explanation, zone: &TimeZone, out: &mut Output) {
    let Explanation { answer, because, completion, next, chain } = explained;
    out.heading(answer);
    out.line(because);
    if !next.is_empty() {
        out.sign(Sign::Warning, next);
    }
    out.line(completion);
    if !chain.is_empty() {
        out.line("");
        let mut table = Table::new(["time", "what happened"]);
        for moment in chain {
            table.row([format_time(moment.at, zone), moment.what.clone()]);
        }
        out.table(&table);
    }
}
