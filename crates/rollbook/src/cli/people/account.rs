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

/// Accounts for the dashboard
#[derive(Debug, Args)]
pub(in crate::cli) struct AccountCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Add an account, and print a one-time sign-in link
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
    /// List the accounts
    List,
    /// Change an account's role
    Role {
        /// Its name
        name: String,
        /// What it may do
        #[arg(value_enum)]
        role: Role,
    },
    /// Set a password, read from standard input; all sessions end
    Password {
        /// Its name
        name: String,
    },
    /// Disable an account
    Disable {
        /// Its name
        name: String,
    },
    /// Enable an account
    Enable {
        /// Its name
        name: String,
    },
    /// Print a one-time sign-in link
    Link {
        /// The account's name
        name: String,
        /// How long the link is valid
        #[arg(long, default_value_t = LINK_MINUTES, value_parser = clap::value_parser!(i64).range(1..=10_080))]
        minutes: i64,
    },
}

/// The roles; each may do what the ones before it may.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// Reads everything but accounts and settings
    Viewer,
    /// Starts runs, retries, resolves attention items
    Operator,
    /// Approves plans
    Approver,
    /// Manages accounts, tokens and pauses
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
                let added = journal.accounts().add(&name, role, hash.as_deref(), &by, now).await;
                added.into_diagnostic().wrap_err_with(|| format!("while adding the account {name}"))?;
                context.out.sign(Sign::Done, done(&name, format!("was added as {}", role.as_str())));
                if !password {
                    return link(&settings, &journal, context, &name, LINK_MINUTES).await;
                }
                context.out.json(&json!({"account": name, "role": role.as_str()}));
                return Ok(Exit::Fine);
            }
            Act::Role { name, role } => {
                let role = RoleName::from(role);
                journal.accounts().set_role(&name, role, &by, now).await.into_diagnostic()?;
                done(&name, format!("now has the role {}", role.as_str()))
            }
            Act::Password { name } => {
                let hash = read_password().await?;
                journal.accounts().set_password(&name, &hash, &by, now).await.into_diagnostic()?;
                done(&name, "has a new password".to_owned())
            }
            Act::Disable { name } => {
                journal.accounts().set_disabled(&name, true, &by, now).await.into_diagnostic()?;
                done(&name, "is disabled".to_owned())
            }
            Act::Enable { name } => {
                journal.accounts().set_disabled(&name, false, &by, now).await.into_diagnostic()?;
                done(&name, "is enabled".to_owned())
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
    let accounts = journal.accounts().list().await.into_diagnostic().wrap_err("while reading the accounts")?;
    if accounts.is_empty() {
        let text = "no accounts yet; add one with: rollbook account add NAME --role administrator";
        context.out.sign(Sign::Note, text);
    } else {
        let mut table = Table::new(["name", "role", "signs in by", "last login"]);
        for account in &accounts {
            let way = match (account.disabled, account.is_foreign, &account.password) {
                (Some(_), _, _) => "disabled",
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
    context
        .out
        .sign(Sign::Note, format_args!("one-time sign-in link for {name}, valid for {minutes} minutes:\n  {url}"));
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
    let made = journal.accounts().add_login_link(name, &hash_secret(&secret), expires, by, now).await;
    made.into_diagnostic().wrap_err_with(|| format!("while creating a sign-in link for {name}"))?;
    let server = &settings.server;
    let base = server.public_url.as_ref().map_or_else(|| format!("http://{}", server.listen), ToString::to_string);
    Ok(format!("{}/login/link/{secret}", base.trim_end_matches('/')))
}
