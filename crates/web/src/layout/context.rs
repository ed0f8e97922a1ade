//! What the handler of a page is given: who asks, from where, and the state; the layout around the page; and how it answers.

use super::time::{TimeFormatter, zone_of};
use crate::WebState;
use crate::assets::{self, AssetPaths};
use crate::auth::cookie::Cookie;
use crate::auth::permissions::Permission;
use crate::auth::user::AuthUser;
use crate::page_error::PageError;
use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_journal::JournalError;
use std::time::Duration;

/// What the handler of a page gives back.
pub type PageResult = Result<Response, PageError>;

/// What an action reports is shown within so long, or not at all.
const FLASH_LASTS: Duration = Duration::from_secs(120);

/// Where in the navigation a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageLocation {
    Overview,
    Attention,
    Plans,
    /// The learner log, and people.
    Log,
    Courses,
    Completions,
    Runs,
    Guilds,
    Intake,
    Settings,
    Doctor,
    Accounts,
    /// One's own account: no entry of the navigation, but the name below it.
    OwnAccount,
}

#[derive(Clone, Debug)]
pub struct NavItem {
    pub path: &'static str,
    pub label: &'static str,
    pub is_current: bool,
    /// How many things wait there.
    pub waiting: u64,
}

#[derive(Clone, Debug)]
pub struct NavGroup {
    pub label: &'static str,
    pub items: Vec<NavItem>,
}

/// What surrounds a page.
#[derive(Clone, Debug)]
pub struct Layout {
    pub assets: AssetPaths,
    pub title: String,
    pub nav: Vec<NavGroup>,
    /// Who is logged in.
    pub name: String,
    pub role: &'static str,
    pub is_own: bool,
    /// The token of every form.
    pub csrf: String,
    /// `light`, `dark`, or empty for what the browser prefers.
    pub theme: &'static str,
    /// This page's own path and query, to come back to.
    pub back: String,
    /// What the last action reports.
    pub flash: String,
    /// Seconds between two updates by the script; 0 for none.
    pub live: u32,
}

/// An entry of the navigation, and what it requires.
type NavEntry = (PageLocation, &'static str, &'static str, Permission);

const NAVIGATION: [(&str, &[NavEntry]); 4] = [
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
        "Manual",
        &[
            (PageLocation::Intake, "/intake", "Manual intake", Permission::Query),
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

#[derive(Clone, Debug)]
pub struct PageContext {
    pub state: WebState,
    pub user: AuthUser,
    /// The moment of the request.
    pub now: Timestamp,
    theme: &'static str,
    flash: String,
    back: String,
}

impl FromRequestParts<WebState> for PageContext {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, PageError> {
        let user = parts.extensions.get::<AuthUser>().cloned();
        let user = user.ok_or_else(|| PageError::incident("a page has no guard"))?;
        let cookie = |cookie: Cookie| cookie.read(&parts.headers, state.is_secure);
        Ok(Self {
            state: state.clone(),
            user,
            now: state.clock.now(),
            theme: theme_of(cookie(Cookie::Theme).as_deref()),
            flash: cookie(Cookie::Flash).unwrap_or_default(),
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
    /// The layout around a page.
    pub async fn layout(&self, title: impl Into<String>, location: PageLocation) -> Result<Layout, JournalError> {
        let (attention, plans) = self.state.journal.attention().open_counts().await?;
        Ok(Layout {
            assets: assets::paths(),
            title: title.into(),
            nav: self.navigation(location, attention, plans),
            name: self.user.name.clone(),
            role: self.user.role.as_str(),
            is_own: location == PageLocation::OwnAccount,
            csrf: self.user.csrf.clone(),
            theme: self.theme,
            back: self.back.clone(),
            flash: self.flash.clone(),
            live: 0,
        })
    }

    /// Times in the zone of a link; without one in that of the first link.
    pub fn times(&self, link: Option<&LinkName>) -> TimeFormatter {
        TimeFormatter::new(self.now, zone_of(&self.state.settings, link))
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.user.may(permission)
    }

    /// The answer to an action: on to a page that shows what was done.
    pub fn redirect(&self, flash: &str, path: &str) -> Response {
        let flash: String = flash.chars().take(500).collect();
        let cookie = Cookie::Flash.set(&flash, Some(FLASH_LASTS), self.state.is_secure);
        (AppendHeaders([cookie]), Redirect::to(path)).into_response()
    }

    fn navigation(&self, location: PageLocation, attention: u64, plans: u64) -> Vec<NavGroup> {
        let waiting = |entry: PageLocation| match entry {
            PageLocation::Attention => attention,
            PageLocation::Plans => plans,
            _ => 0,
        };
        let item = |(entry, path, label, _): &NavEntry| NavItem {
            path,
            label,
            is_current: *entry == location,
            waiting: waiting(*entry),
        };
        let group = |(label, entries): (&'static str, &[NavEntry])| {
            let allowed = entries.iter().filter(|(_, _, _, permission)| self.may(*permission));
            NavGroup { label, items: allowed.map(item).collect() }
        };
        NAVIGATION.map(group).into_iter().filter(|group| !group.items.is_empty()).collect()
    }
}

/// A page as an answer.
pub fn show(page: &impl Template) -> PageResult {
    Ok((StatusCode::OK, Html(page.render()?)).into_response())
}
