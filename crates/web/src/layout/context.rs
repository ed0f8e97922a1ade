//! What a page is given: who asks, from where, and the state; and how it answers.

use super::{PageLocation, NavGroup, NavItem, Layout, TimeFormatter};
use crate::WebState;
use crate::assets;
use crate::auth::{AuthUser, Cookie, Permission};
use crate::incident::PageError;
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
pub type Answer = Result<Response, PageError>;

/// An entry of the navigation: its page, path, label, and what it takes.
type Entry = (PageLocation, &'static str, &'static str, Permission);

/// What an act says is told within so long, or not at all.
const SAID_LASTS: Duration = Duration::from_secs(120);

/// Who asks, and what they are shown with.
#[derive(Clone, Debug)]
pub struct PageContext {
    /// The state.
    pub state: WebState,
    /// Who.
    pub user: AuthUser,
    /// The moment of the request.
    pub now: Timestamp,
    theme: &'static str,
    said: String,
    back: String,
}

impl FromRequestParts<WebState> for PageContext {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, PageError> {
        let user = parts.extensions.get::<AuthUser>().cloned();
        let user = user.ok_or_else(|| PageError::incident("a page has no guard_state"))?;
        let cookie = |cookie: Cookie| cookie.read(&parts.headers, state.is_secure);
        Ok(Self {
            state: state.clone(),
            user,
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

impl PageContext {
    /// The frame of a page.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn layout(&self, title: impl Into<String>, here: PageLocation) -> Result<Layout, JournalError> {
        let (attention, plans) = self.state.journal.waiting_for_people().await?;
        Ok(Layout {
            assets: assets::paths(),
            title: title.into(),
            nav: self.nav(here, attention, plans),
            name: self.user.name.clone(),
            role: self.user.role.as_str(),
            is_own: here == PageLocation::Own,
            csrf: self.user.csrf.clone(),
            theme: self.theme,
            back: self.back.clone(),
            said: self.said.clone(),
            live: 0,
        })
    }

    /// Times as this page's link shows them.
    pub fn times(&self, link: Option<&LinkName>) -> TimeFormatter {
        TimeFormatter::new(self.now, self.state.zone(link))
    }

    /// Whether the person may do something.
    pub fn may(&self, permission: Permission) -> bool {
        self.user.may(permission)
    }

    /// The answer to an act: on to a page that says what was done.
    pub fn done(&self, said: &str, path: &str) -> Response {
        let said: String = said.chars().take(500).collect();
        let cookie = Cookie::Flash.set(&said, Some(SAID_LASTS), self.state.is_secure);
        (AppendHeaders([cookie]), Redirect::to(path)).into_response()
    }

    fn nav(&self, here: PageLocation, attention: u64, plans: u64) -> Vec<NavGroup> {
        let groups: [(&'static str, &[Entry]); 4] = [
            (
                "Today",
                &[
                    (PageLocation::Overview, "/", "Overview", Permission::View),
                    (PageLocation::Attention, "/attention", "Attention", Permission::View),
                    (PageLocation::Plans, "/plans", "Plans", Permission::View),
                ],
            ),
            (
                "Records",
                &[
                    (PageLocation::Log, "/log", "Learner log", Permission::View),
                    (PageLocation::Courses, "/courses", "Courses", Permission::View),
                    (PageLocation::Runs, "/runs", "Runs", Permission::View),
                    (PageLocation::Guilds, "/guilds", "Guilds", Permission::View),
                ],
            ),
            (
                "By hand",
                &[
                    (PageLocation::Intake, "/intake", "Intake by hand", Permission::Query),
                    (PageLocation::Completions, "/completions", "Completions", Permission::View),
                ],
            ),
            (
                "System",
                &[
                    (PageLocation::Doctor, "/doctor", "Doctor", Permission::View),
                    (PageLocation::Settings, "/settings", "Settings", Permission::ViewSettings),
                    (PageLocation::Accounts, "/accounts", "Accounts", Permission::ViewAccounts),
                ],
            ),
        ];
        let waiting = |entry: PageLocation| match entry {
            PageLocation::Attention => attention,
            PageLocation::Plans => plans,
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
                    is_current: *entry == here,
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
