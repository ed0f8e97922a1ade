//! A query of the log as one statement: filters, the key to go on after, order, limit.

use crate::feed::keys;
use crate::store::{Arg, Bulk};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollbook_core::model::{ElmCourseId, EnrolmentId, Guid, LinkName, Mail};
use rollbook_core::run::OutcomeCode;
use std::fmt;
use std::str::FromStr;

/// What the lines are ordered by; equal ones by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogSort {
    /// When they last came to something.
    #[default]
    Time,
    Guid,
    Mail,
    Course,
    EnrolmentId,
}

impl LogSort {
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::Time => "at_ms",
            Self::Guid => "guid_fold",
            Self::Mail => "mail_fold",
            Self::Course => "course",
            Self::EnrolmentId => "enrolment_id",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogOrder {
    /// The newest or last first.
    #[default]
    Descending,
    /// The oldest or first first.
    Ascending,
}

/// Where a page begins: after this line. As text it fits into a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKey {
    pub(super) value: String,
    pub(super) at: Timestamp,
    pub(super) id: i64,
}

impl fmt::Display for LogKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.at.as_millisecond(), self.id, self.value)
    }
}

/// A text that is no key of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no key of a page of the log")]
pub struct NotALogKey;

impl FromStr for LogKey {
    type Err = NotALogKey;

    fn from_str(text: &str) -> Result<Self, NotALogKey> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(NotALogKey);
        let at = part()?.parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).ok_or(NotALogKey)?;
        let id = part()?.parse().map_err(|_| NotALogKey)?;
        Ok(Self { at, id, value: part()?.to_owned() })
    }
}

/// What is wanted from the log. Every filter narrows; an empty query gives the newest lines.
#[derive(Clone, Debug)]
pub struct LogQuery {
    pub link: Option<LinkName>,
    /// Free text; empty for none.
    pub search: String,
    /// The zone of times in `search`.
    pub zone: TimeZone,
    pub status: Option<String>,
    pub action: Option<String>,
    pub code: Option<OutcomeCode>,
    pub course: Option<ElmCourseId>,
    pub guid: Option<Guid>,
    /// The mail address, whatever its case.
    pub mail: Option<Mail>,
    pub enrolment_id: Option<EnrolmentId>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub sort: LogSort,
    pub order: LogOrder,
    /// The key that the page before gave.
    pub after: Option<LogKey>,
    /// So many lines a page.
    pub limit: u32,
}

/// What became of most records: these outcomes are in no index. In the order of the index's own condition.
const COMMON: [&str; 4] = ["received", "enrolled", "suspended", "imported"];

impl LogQuery {
    /// Whether an index leads to few lines.
    fn is_narrow(&self) -> bool {
        let Self { status, action, code, course, guid, mail, enrolment_id, .. } = self;
        let named = [status, action].into_iter().any(Option::is_some);
        named || code.is_some() || course.is_some() || guid.is_some() || mail.is_some() || enrolment_id.is_some()
    }
}

impl Default for LogQuery {
    fn default() -> Self {
        Self {
            link: None,
            search: String::new(),
            zone: TimeZone::UTC,
            status: None,
            action: None,
            code: None,
            course: None,
            guid: None,
            mail: None,
            enrolment_id: None,
            since: None,
            until: None,
            sort: LogSort::Time,
            order: LogOrder::Descending,
            after: None,
            limit: 50,
        }
    }
}

/// Conditions of a statement, joined by `AND`, with their arguments. Texts from outside are arguments, never SQL.
#[derive(Default)]
pub(super) struct Where {
    conditions: Vec<String>,
    args: Vec<Arg>,
    /// Texts that one condition compares with; they travel as bulk data, as `$1`.
    keys: Option<Bulk>,
}

impl Where {
    /// Adds a condition; each `?` stands for the next argument.
    pub fn and(mut self, condition: &str, args: Vec<Arg>) -> Self {
        self.conditions.push(condition.to_owned());
        self.args.extend(args);
        self
    }

    /// Adds that a column is one of these texts.
    pub fn and_one_of(mut self, column: &str, texts: &[String]) -> Self {
        self.conditions.push(format!("record.{column} = r.key"));
        self.keys = Some(keys(texts));
        self
    }

    /// The conditions with numbered arguments.
    fn text(&self) -> String {
        let mut number = usize::from(self.keys.is_some());
        let mut text = String::new();
        for piece in self.conditions.join(" AND ").split_inclusive('?') {
            match piece.strip_suffix('?') {
                Some(before) => {
                    number += 1;
                    text.push_str(&format!("{before}${number}"));
                }
                None => text.push_str(piece),
            }
        }
        text
    }
}

fn one(arg: impl Into<Arg>) -> Vec<Arg> {
    vec![arg.into()]
}

/// The statement that follows one way in. The numbers of the lines are found inside the index first, then the lines are
/// read: so a sort never carries whole rows.
pub(super) fn statement(
    query: &LogQuery,
    sort: LogSort,
    link: &LinkName,
    filter: Where,
) -> (String, Option<Bulk>, Vec<Arg>) {
    let (direction, beyond) = match query.order {
        LogOrder::Descending => ("DESC", "<"),
        LogOrder::Ascending => ("ASC", ">"),
    };
    let column = sort.column();
    let order = match sort {
        LogSort::Time => format!("at_ms {direction}, id {direction}"),
        LogSort::Guid | LogSort::Mail | LogSort::Course | LogSort::EnrolmentId => {
            format!("{column} {direction}, at_ms {direction}, id {direction}")
        }
    };
    // Where nothing else narrows, an order's own index gives the first lines at once; by the link SQLite would sort all of them.
    let of_link = if sort == LogSort::Time || query.is_narrow() { "link = ?" } else { "{unindexed}link = ?" };
    let mut all = filters(query, filter.and(of_link, one(link.as_str())));
    if let Some(LogKey { value, at, id }) = &query.after {
        all = match sort {
            LogSort::Time => all.and(&format!("(at_ms, id) {beyond} (?, ?)"), vec![(*at).into(), (*id).into()]),
            LogSort::Guid | LogSort::Mail | LogSort::Course | LogSort::EnrolmentId => all.and(
                &format!("({column}, at_ms, id) {beyond} (?, ?, ?)"),
                vec![value.into(), (*at).into(), (*id).into()],
            ),
        };
    }
    let limit = u64::from(query.limit.max(1)) + 1;
    // The lines of many people or courses are found from those, not the other way round.
    let from = if all.keys.is_some() { "{rows} {join} record ON true" } else { "record" };
    let sql = format!(
        "SELECT {} FROM record WHERE id IN (SELECT id FROM {from} WHERE {} ORDER BY {order} LIMIT {limit})",
        super::columns(),
        all.text(),
    );
    (sql, all.keys, all.args)
}

fn filters(query: &LogQuery, mut all: Where) -> Where {
    let LogQuery { status, action, code, course, guid, mail, enrolment_id, since, until, .. } = query;
    if let Some(status) = status {
        // What the partial indexes are made for must stand in the statement word for word.
        let is_rare = if status == "Success" { "" } else { "status <> 'Success' AND " };
        all = all.and(&format!("{is_rare}status = ?"), one(status));
    }
    if let Some(action) = action {
        let is_rare =
            if action == "Enrol" || action == "Suspend" { "" } else { "action NOT IN ('Enrol', 'Suspend') AND " };
        all = all.and(&format!("{is_rare}action = ?"), one(action));
    }
    if let Some(code) = code {
        let is_rare = if COMMON.contains(&code.as_str()) {
            String::new()
        } else {
            format!("code NOT IN ('{}') AND ", COMMON.join("', '"))
        };
        all = all.and(&format!("{is_rare}code = ?"), one(code.as_str()));
    }
    if let Some(course) = course {
        all = all.and("course = ?", one(course.as_str().trim()));
    }
    if let Some(guid) = guid {
        all = all.and("guid_fold = ?", one(guid.folded()));
    }
    if let Some(mail) = mail {
        all = all.and("mail_fold = ?", one(mail.folded()));
    }
    if let Some(id) = enrolment_id {
        all = all.and("enrolment_id = ?", one(id.as_str().trim()));
    }
    if let Some(since) = since {
        all = all.and("at_ms >= ?", one(*since));
    }
    if let Some(until) = until {
        all = all.and("at_ms < ?", one(*until));
    }
    all
}
