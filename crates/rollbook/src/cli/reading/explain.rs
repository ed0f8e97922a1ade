//! `rollbook explain`: why somebody is or is not in a course, and whether HR knows that they finished.

use super::{shown, zone_of};
use crate::cli::output::{Output, Sign, Table};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::{ElmCourseId, Guid, LinkName};
use rollbook_core::report::{Explanation, NowInMoodle};
use rollbook_journal::{Journal, Person};
use rollbook_moodle::snapshot::read_state_now;
use rollbook_settings::{IntakeLink, Settings};
use rollbook_sync::flows::setup::make_moodle;
use serde_json::json;

/// Why somebody is or is not in a course
#[derive(Debug, Args)]
pub(in crate::cli) struct Explain {
    /// The person: a GUID, a mail address, or the Moodle account's id
    #[arg(long, value_name = "WHO")]
    person: String,

    /// The course: the ELM's id, which is Moodle's ID number
    #[arg(long, value_name = "ID")]
    course: String,

    /// The intake link, where there are several
    #[arg(long)]
    link: Option<String>,

    /// From the journal alone, without asking Moodle
    #[arg(long)]
    offline: bool,
}

impl Explain {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let found = self.link(&settings)?;
        let zone = zone_of(&settings, Some(found.link.name.as_str()));
        let journal = context.journal(&settings).await?;
        let people = self.people(&journal, &found.link.name).await?;
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
            (Some(_), Some(_)) => {
                Err(miette!(help = "name one with --link", "the configuration has several intake links"))
            }
        }
    }

    /// Whom the word means; a GUID that the journal never saw may still be one in Moodle.
    async fn people(&self, journal: &Journal, link: &LinkName) -> miette::Result<Vec<Person>> {
        let found =
            journal.find_people(link, &self.person).await.into_diagnostic().wrap_err("while looking for the person")?;
        if !found.is_empty() {
            return Ok(found);
        }
        if self.person.contains('@') || self.person.contains(' ') {
            let help = "name a GUID; or search with `rollbook log NAME`";
            return Err(miette!(help = help, "the feed has never named anybody as {}", self.person));
        }
        let guid = Guid::new(&self.person);
        Ok(vec![Person { words: self.person.clone(), guid, user_id: rollbook_core::model::MoodleUserId(0) }])
    }

    async fn gather(
        &self,
        journal: &Journal,
        found: &IntakeLink<'_>,
        person: &Person,
        course: &ElmCourseId,
    ) -> miette::Result<Explanation> {
        let story = journal.story(&found.link.name, &person.guid, Some(course)).await;
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
            table.row([shown(moment.at, zone), moment.what.clone()]);
        }
        out.table(&table);
    }
}
