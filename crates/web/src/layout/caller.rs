//! What a page is given: who asks, from where, and the state; and how it answers.

use super::{Here, NavGroup, NavItem, Shell, TimeFormatter};
use crate::WebState;
use crate::assets;
use crate::auth::{AuthUser, Cookie, Permission};
use crate::incident::Failure;
use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_journal::JournalError;
use std::time::Duration;

/// What a page's function gives back.
pub type Answer = Result<Response, Failure>;

/// An entry of the navigation: its page, path, label, and what it takes.
type Entry = (Here, &'static str, &'static str, Permission);

/// What an act says is told within so long, or not at all.
const SAID_LASTS: Duration = Duration::from_secs(120);

/// Who asks, and what they are shown with.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The state.
    pub state: WebState,
    /// Who.
    pub visitor: AuthUser,
    /// The moment of the request.
    pub now: Timestamp,
    theme: &'static str,
    said: String,
    back: String,
}

impl FromRequestParts<WebState> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Failure> {
        let visitor = parts.extensions.get::<AuthUser>().cloned();
        let visitor = visitor.ok_or_else(|| Failure::incident("a page has no gate"))?;
        let cookie = |cookie: Cookie| cookie.read(&parts.headers, state.secure);
        Ok(Self {
            state: state.clone(),
            visitor,
            now: state.clock.now(),
            theme: theme_of(cookie(Cookie::Theme).as_deref()),
            said: cookie(Cookie::Flash).unwrap_or_default(),
            back: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

/// The theme of a stored word; empty for what the browser prefers.
pub fn theme_of(word: Option<&str>) -> &'static str {
    match word {
        Some("light") => "light",
        Some("dark") => "dark",
        Some(_) | None => "",
    }
}

impl Caller {
    /// The frame of a page.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn shell(&self, title: impl Into<String>, here: Here) -> Result<Shell, JournalError> {
        let (attention, plans) = self.state.journal.attention().open_counts().await?;
        Ok(Shell {
            assets: assets::paths(),
            title: title.into(),
            nav: self.nav(here, attention, plans),
            name: self.visitor.name.clone(),
            role: self.visitor.role.as_str(),
            is_own: here == Here::Own,
            csrf: self.visitor.csrf.clone(),
            theme: self.theme,
            back: self.back.clone(),
            said: self.said.clone(),
            live: 0,
        })
    }

    /// Times as this page's link shows them.
    pub fn clockwork(&self, link: Option<&LinkName>) -> TimeFormatter {
        TimeFormatter::new(self.now, self.state.zone(link))
    }

    /// Whether the person may do something.
    pub fn may(&self, permission: Permission) -> bool {
        self.visitor.may(permission)
    }

    /// The answer to an act: on to a page that says what was done.
    pub fn done(&self, said: &str, path: &str) -> Response {
        let said: String = said.chars().take(500).collect();
        let cookie = Cookie::Flash.set(&said, Some(SAID_LASTS), self.state.secure);
        (AppendHeaders([cookie]), Redirect::to(path)).into_response()
    }

    fn nav(&self, here: Here, attention: u64, plans: u64) -> Vec<NavGroup> {
        let groups: [(&'static str, &[Entry]); 4] = [
            (
                "Today",
                &[
                    (Here::Overview, "/", "Overview", Permission::Look),
                    (Here::Attention, "/attention", "Attention", Permission::Look),
                    (Here::Plans, "/plans", "Plans", Permission::Look),
                ],
            ),
            (
                "Records",
                &[
                    (Here::Log, "/log", "Learner log", Permission::Look),
                    (Here::Courses, "/courses", "Courses", Permission::Look),
                    (Here::Runs, "/runs", "Runs", Permission::Look),
                    (Here::Guilds, "/guilds", "Guilds", Permission::Look),
                ],
            ),
            (
                "By hand",
                &[
                    (Here::Intake, "/intake", "Intake by hand", Permission::Ask),
                    (Here::Completions, "/completions", "Completions", Permission::Look),
                ],
            ),
            (
                "System",
                &[
                    (Here::Doctor, "/doctor", "Doctor", Permission::Look),
                    (Here::Settings, "/settings", "Settings", Permission::LookAtSettings),
                    (Here::Accounts, "/accounts", "Accounts", Permission::LookAtAccounts),
                ],
            ),
        ];
        let waiting = |entry: Here| match entry {
            Here::Attention => attention,
            Here::Plans => plans,
            _ => 0,
        };
        let group = |(label, entries): (&'static str, &[Entry])| NavGroup {
            label,
            items: entries
                .iter()
                .filter(|(_, _, _, permission)| self.may(*permission))
                .map(|(entry, path, label, _)| NavItem {
                    path,
                    label,
                    is_here: *entry == here,
                    waiting: waiting(*entry),
                })
                .collect(),
        };
        groups.into_iter().map(group).filter(|group| !group.items.is_empty()).collect()
    }
}

/// A page as an answer.
///
/// # Errors
/// A template that cannot be written is an incident.
pub fn show(page: &impl Template) -> Answer {
    Ok((StatusCode::OK, Html(page.render()?)).into_response())
}
