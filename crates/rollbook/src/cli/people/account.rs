//! `rollbook account`: who may look at the pages, and what they may do there.

use super::shown;
use crate::cli::output::{Sign, Table};
use crate::cli::{Context, Exit};
use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_journal::Journal;
use rollbook_settings::Settings;
use rollbook_settings::service::RoleName;
use rollbook_web::auth::{account_name, hash_password, hash_secret, make_secret};
use serde_json::json;
use std::io::Read;

/// A login link ends after so many minutes, unless asked otherwise.
const LINK_MINUTES: i64 = 60;
/// More than a password may have.
const INPUT_BYTES_MAX: u64 = 4_096;

/// People who may look at the pages
#[derive(Debug, Args)]
pub(in crate::cli) struct AccountCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Add an account, and print a link that logs in once
    Add {
        /// Its name, such as a mail address
        name: String,
        /// What it may do
        #[arg(long, value_enum, default_value = "viewer")]
        role: Role,
        /// Read a password from standard input instead
        #[arg(long)]
        password: bool,
    },
    /// Show every account
    List,
    /// Give an account another role
    Role {
        /// Its name
        name: String,
        /// What it may do
        #[arg(value_enum)]
        role: Role,
    },
    /// Give an account a password, read from standard input; it is logged out everywhere
    Password {
        /// Its name
        name: String,
    },
    /// Let nobody in with an account any more
    Disable {
        /// Its name
        name: String,
    },
    /// Let an account in again
    Enable {
        /// Its name
        name: String,
    },
    /// Print a link that logs in once
    Link {
        /// The account's name
        name: String,
        /// For how long it can be used
        #[arg(long, default_value_t = LINK_MINUTES, value_parser = clap::value_parser!(i64).range(1..=10_080))]
        minutes: i64,
    },
}

/// The roles; each may do what the ones before it may.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Sees the logs
    Viewer,
    /// Runs, retries and decides what waits
    Operator,
    /// Approves plans
    Approver,
    /// Has accounts, tokens and the pause
    Administrator,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Approver => Self::Approver,
            Role::Administrator => Self::Administrator,
        }
    }
}

impl AccountCommand {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let journal = context.journal(&settings).await?;
        let (by, now) = (context.author(), context.clock.now());
        let done = |name: &str, what: String| format!("account {name} {what}");
        let told = match self.act {
            Act::List => return list(&journal, context).await,
            Act::Link { name, minutes } => return link(&settings, &journal, context, &name, minutes).await,
            Act::Add { name, role, password } => {
                let name = account_name(&name).map_err(|error| miette!("{error}"))?.to_owned();
                let hash = if password { Some(read_password().await?) } else { None };
                let role = RoleName::from(role);
                let added = journal.add_account(&name, role, hash.as_deref(), &by, now).await;
                added.into_diagnostic().wrap_err_with(|| format!("while adding the account {name}"))?;
                context.out.sign(Sign::Done, done(&name, format!("is there, as {}", role.as_str())));
                if !password {
                    return link(&settings, &journal, context, &name, LINK_MINUTES).await;
                }
                context.out.json(&json!({"account": name, "role": role.as_str()}));
                return Ok(Exit::Fine);
            }
            Act::Role { name, role } => {
                let role = RoleName::from(role);
                journal.set_role(&name, role, &by, now).await.into_diagnostic()?;
                done(&name, format!("is {} now", role.as_str()))
            }
            Act::Password { name } => {
                let hash = read_password().await?;
                journal.set_password(&name, &hash, &by, now).await.into_diagnostic()?;
                done(&name, "has another password".to_owned())
            }
            Act::Disable { name } => {
                journal.set_disabled(&name, true, &by, now).await.into_diagnostic()?;
                done(&name, "does not get in any more".to_owned())
            }
            Act::Enable { name } => {
                journal.set_disabled(&name, false, &by, now).await.into_diagnostic()?;
                done(&name, "gets in again".to_owned())
            }
        };
        context.out.json(&json!({"done": told}));
        context.out.sign(Sign::Done, told);
        Ok(Exit::Fine)
    }
}

/// The first line of standard input, hashed. On the command line it would be seen by everybody.
async fn read_password() -> miette::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(INPUT_BYTES_MAX).read_to_string(&mut text).into_diagnostic()?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    hash_password(password).await.map_err(|error| miette!(help = "write it to standard input, in one line", "{error}"))
}

async fn list(journal: &Journal, context: &mut Context) -> miette::Result<Exit> {
    let accounts = journal.accounts().await.into_diagnostic().wrap_err("while reading the accounts")?;
    if accounts.is_empty() {
        let text = "there is no account: add one with `rollbook account add NAME --role administrator`";
        context.out.sign(Sign::Note, text);
    } else {
        let mut table = Table::new(["name", "role", "gets in by", "last login"]);
        for account in &accounts {
            let way = match (account.disabled, account.is_foreign, &account.password) {
                (Some(_), _, _) => "nothing: disabled",
                (None, true, _) => "single sign-on",
                (None, false, Some(_)) => "password",
                (None, false, None) => "login link",
            };
            let login = account.login.map_or_else(|| "never".to_owned(), shown);
            table.row([account.name.clone(), account.role.as_str().to_owned(), way.to_owned(), login]);
        }
        context.out.table(&table);
    }
    let rows = accounts.iter().map(|account| {
        json!({
            "name": account.name, "role": account.role.as_str(), "disabled": account.disabled, "login": account.login,
            "single_sign_on": account.is_foreign, "password": account.password.is_some(),
        })
    });
    context.out.json(&json!({"accounts": rows.collect::<Vec<_>>()}));
    Ok(Exit::Fine)
}

async fn link(
    settings: &Settings,
    journal: &Journal,
    context: &mut Context,
    name: &str,
    minutes: i64,
) -> miette::Result<Exit> {
    let (by, now) = (context.author(), context.clock.now());
    let url = login_link(settings, journal, (name, minutes), &by, now).await?;
    context.out.sign(Sign::Note, format_args!("this logs {name} in once, within {minutes} minutes:\n  {url}"));
    context.out.json(&json!({"account": name, "link": url, "minutes": minutes}));
    Ok(Exit::Fine)
}

/// A link that logs an account in once; the demo prints one, too.
pub(in crate::cli) async fn login_link(
    settings: &Settings,
    journal: &Journal,
    (name, minutes): (&str, i64),
    by: &str,
    now: Timestamp,
) -> miette::Result<String> {
    let secret = make_secret();
    let expires = now.checked_add(SignedDuration::from_mins(minutes)).into_diagnostic()?;
    let made = journal.make_login_link(name, &hash_secret(&secret), expires, by, now).await;
    made.into_diagnostic().wrap_err_with(|| format!("while making a login link for {name}"))?;
    let server = &settings.server;
    let base = server.public_url.as_ref().map_or_else(|| format!("http://{}", server.listen), ToString::to_string);
    Ok(format!("{}/login/link/{secret}", base.trim_end_matches('/')))
}
