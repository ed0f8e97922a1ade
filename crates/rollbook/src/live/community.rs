//! The community that the suite may be given. It is only read: nothing is ever made in it.
//!
//! Next: `cases/guilds/community.rs`, what Rollbook believes of it.

use super::bench::Bench;
use super::difference::{Checked, Difference, while_doing};
use rollbook_community::client::{DrupalAuth, DrupalClient, DrupalOptions};
use rollbook_community::snapshot::{CommunitySource, JsonApiCommunity, SqlCommunity};
use rollbook_remote::database::{Database, DatabaseOptions};

/// A community with guilds and members.
#[derive(Clone, Debug)]
pub struct LiveCommunity {
    /// Its address.
    pub url: String,
    /// The service account as a user with a password.
    pub basic: Option<DrupalAuth>,
    /// The service account as a consumer.
    pub oauth: Option<DrupalAuth>,
    /// An account that may log in and has no rights.
    pub weak: Option<DrupalAuth>,
    /// Its database, read only.
    pub database: Option<DatabaseOptions>,
    /// The machine name of the type whose groups are guilds.
    pub group_type: String,
    /// The field with the guilds' machine names.
    pub name_field: Option<String>,
}

impl LiveCommunity {
    /// The service account, by whichever way was given first.
    pub(super) fn service(&self) -> Option<&DrupalAuth> {
        self.basic.as_ref().or(self.oauth.as_ref())
    }
}

impl Bench {
    /// The community. A case that uses it says that it needs one.
    pub(super) fn community(&self) -> Checked<&LiveCommunity> {
        self.options.community.as_ref().ok_or_else(|| missing("a community"))
    }

    /// The community over JSON:API, as its service account.
    pub(super) fn community_by_service(&self) -> Checked<CommunitySource> {
        let service = self.community()?.service().ok_or_else(|| missing("the community's service account"))?;
        self.community_as(service)
    }

    /// The community over JSON:API, as somebody.
    pub(super) fn community_as(&self, auth: &DrupalAuth) -> Checked<CommunitySource> {
        let LiveCommunity { url, group_type, name_field, .. } = self.community()?;
        let options = DrupalOptions::new(url.as_str(), auth.clone(), self.clock.clone());
        let client = DrupalClient::new(options).map_err(while_doing("preparing the community's client"))?;
        Ok(CommunitySource::JsonApi(JsonApiCommunity::new(client, group_type, name_field.as_deref())))
    }

    /// The community by its tables.
    pub(super) fn community_by_tables(&self) -> Checked<CommunitySource> {
        let LiveCommunity { database, group_type, name_field, .. } = self.community()?;
        let options = database.as_ref().ok_or_else(|| missing("the community's database"))?;
        let tables = Database::new(options).map_err(while_doing("preparing the community's database"))?;
        Ok(CommunitySource::Sql(SqlCommunity::new(tables, group_type, name_field.as_deref())))
    }
}

fn missing(what: &str) -> Difference {
    Difference::Failed { doing: format!("using {what}"), why: "it was not given".to_owned() }
}
