//! The community that `rollbook live` is given: where it is, and as whom it is read.

use crate::live::LiveCommunity;
use clap::Args;
use rollbook_community::client::DrupalAuth;
use rollbook_remote::database::DatabaseOptions;
use rollbook_settings::Env;
use secrecy::SecretString;
use std::time::Duration;

/// The variables that hold what should not stand on a command line.
const PASSWORD: &str = "ROLLBOOK_LIVE_DRUPAL_PASSWORD";
const WEAK_PASSWORD: &str = "ROLLBOOK_LIVE_DRUPAL_WEAK_PASSWORD";
const SECRET: &str = "ROLLBOOK_LIVE_DRUPAL_SECRET";
const DATABASE: &str = "ROLLBOOK_LIVE_DRUPAL_DATABASE";

/// A community with guilds, which is only read; its secrets stand in ROLLBOOK_LIVE_DRUPAL_PASSWORD, _WEAK_PASSWORD,
/// _SECRET and _DATABASE.
#[derive(Debug, Args)]
pub(super) struct CommunityArgs {
    /// The community's own address
    #[arg(long, value_name = "URL")]
    drupal: Option<String>,

    /// The community's service account [password: $ROLLBOOK_LIVE_DRUPAL_PASSWORD]
    #[arg(long, value_name = "NAME", requires = "drupal")]
    drupal_user: Option<String>,

    /// The community's consumer [secret: $ROLLBOOK_LIVE_DRUPAL_SECRET]
    #[arg(long, value_name = "ID", requires = "drupal")]
    drupal_client: Option<String>,

    /// An account of the community without rights [password: $ROLLBOOK_LIVE_DRUPAL_WEAK_PASSWORD]
    #[arg(long, value_name = "NAME", requires = "drupal")]
    drupal_weak_user: Option<String>,

    /// The community's database, read only [default: $ROLLBOOK_LIVE_DRUPAL_DATABASE]
    #[arg(long, value_name = "URL", requires = "drupal")]
    drupal_database: Option<String>,

    /// The prefix of the community's tables
    #[arg(long, value_name = "PREFIX", default_value = "")]
    drupal_prefix: String,

    /// The machine name of the group type whose groups are guilds
    #[arg(long, value_name = "TYPE", default_value = "guild")]
    group_type: String,

    /// The guilds' field with their machine names
    #[arg(long, value_name = "FIELD")]
    name_field: Option<String>,
}

impl CommunityArgs {
    /// The community, if one was named.
    pub(super) fn read(&self, env: &Env) -> Option<LiveCommunity> {
        let secret = |variable: &str| env.get(variable).map(SecretString::from);
        let user = |name: &Option<String>, variable: &str| {
            let (user, password) = (name.clone()?, secret(variable)?);
            Some(DrupalAuth::Basic { user, password })
        };
        let client = self.drupal_client.clone().zip(secret(SECRET));
        let database = self.drupal_database.clone().map(SecretString::from).or_else(|| secret(DATABASE));
        Some(LiveCommunity {
            url: self.drupal.clone()?,
            basic: user(&self.drupal_user, PASSWORD),
            oauth: client.map(|(client_id, client_secret)| DrupalAuth::OAuth2 {
                client_id,
                client_secret,
                scope: None,
            }),
            weak: user(&self.drupal_weak_user, WEAK_PASSWORD),
            database: database.map(|url| DatabaseOptions {
                url,
                prefix: self.drupal_prefix.clone(),
                connections_max: 2,
                timeout: Duration::from_secs(30),
            }),
            group_type: self.group_type.clone(),
            name_field: self.name_field.clone(),
        })
    }
}
