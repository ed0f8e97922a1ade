//! `kind = "community"`: a Drupal with groups, over JSON:API or its database.

use super::{SiteDatabase, database};
use crate::kind::{Choice, Count, DurationIn, List, Name, Text};
use crate::section::Section;
use reqwest::Url;
use rollbook_core::model::SiteName;
use secrecy::SecretString;
use std::time::Duration;

/// A community.
#[derive(Clone, Debug)]
pub struct Community {
    /// As on the command line.
    pub name: SiteName,
    /// The site's front page.
    pub url: Url,
    /// Who Rollbook is there; `None` only when the database alone is read.
    pub auth: Option<Auth>,
    /// Which way guilds are read.
    pub reader: GuildReader,
    /// The machine names of the group types whose groups are guilds; `*` for every type. Never empty.
    pub group_types: Vec<String>,
    /// Patterns of labels of groups that are guilds; all are where there are none.
    pub include: Vec<String>,
    /// Patterns of labels of groups that are not.
    pub exclude: Vec<String>,
    /// A member (user name, mail address or numeric id) who must be seen in some guild before absence may mean anything.
    pub sentinel: Option<String>,
    /// The time one page may take.
    pub timeout: Duration,
    /// At most so many pages at once, 1 to 16.
    pub concurrency: u32,
    /// At most so many pages are followed in one reading.
    pub pages_max: u32,
    /// The fast way to read.
    pub database: Option<SiteDatabase>,
}

/// Who Rollbook is at a community.
#[derive(Clone, Debug)]
pub enum Auth {
    /// A user with a password, by the module basic_auth.
    Basic {
        /// The account's name.
        user: String,
        /// Its password.
        password: SecretString,
    },
    /// Client credentials, by the module simple_oauth.
    OAuth2 {
        /// The consumer.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// The scope that is known_keys for, if any.
        scope: Option<String>,
    },
}

/// Which way guilds are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuildReader {
    /// Over HTTP.
    JsonApi,
    /// From the database.
    Sql,
}

const READERS: Choice<GuildReader> = Choice(&[("jsonapi", GuildReader::JsonApi), ("sql", GuildReader::Sql)]);

pub(super) fn read(name: SiteName, section: &mut Section<'_>) -> Option<Community> {
    let url = super::address("url", section);
    let reader = section.or("reader", "jsonapi", READERS);
    let group_type = section.or("group_type", "guild", Name(64));
    let group_types = section.optional("group_types", List(Text(64), 50)).unwrap_or_else(|| vec![group_type]);
    if group_types.is_empty() {
        let (place, help) = (section.header.clone(), "write `group_types = [\"*\"]` for every type".to_owned());
        section.problem("`group_types` is empty".to_owned(), place, "no group would be a guild", Some(help));
    }
    let include = section.or("include", [], List(Text(100), 100));
    let exclude = section.or("exclude", [], List(Text(100), 100));
    let sentinel = section.optional("sentinel", Text(254));
    let timeout = section.or("timeout", "30s", DurationIn("1s", "10m"));
    let concurrency = section.or("concurrency", 2, Count(1, 16));
    let pages_max = section.or("pages_max", 100_000, Count(1, 1_000_000));
    let auth = section.table("auth", auth);
    let database = section.table("database", |section| database(section, ""));
    match reader {
        GuildReader::JsonApi if auth.is_none() && !section.has("auth") => {
            section.missing(
                "auth",
                format!("write [{}] with `kind = \"basic\"` or `kind = \"oauth2\"`", section.name_of("auth")),
            );
        }
        GuildReader::Sql if database.is_none() && !section.has("database") => {
            section.missing("database", format!("`reader = \"sql\"` needs [{}]", section.name_of("database")));
        }
        GuildReader::JsonApi | GuildReader::Sql => {}
    }
    Some(Community {
        name,
        url: url?,
        auth,
        reader,
        group_types,
        include,
        exclude,
        sentinel,
        timeout,
        concurrency,
        pages_max,
        database,
    })
}

fn auth(section: &mut Section<'_>) -> Option<Auth> {
    #[derive(Clone)]
    enum Kind {
        Basic,
        OAuth2,
    }
    match section.required("kind", Choice(&[("basic", Kind::Basic), ("oauth2", Kind::OAuth2)])) {
        Some(Kind::Basic) => {
            let (user, password) = (section.required("user", Text(60)), section.secret("password"));
            Some(Auth::Basic { user: user?, password: password? })
        }
        Some(Kind::OAuth2) => {
            let client_id = section.required("client_id", Text(200));
            let client_secret = section.secret("client_secret");
            let scope = section.optional("scope", Text(200));
            Some(Auth::OAuth2 { client_id: client_id?, client_secret: client_secret?, scope })
        }
        None => {
            section.ignore_rest();
            None
        }
    }
}
