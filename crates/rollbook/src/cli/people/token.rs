//! `rollbook token`: what programs come in with. A token is shown once, when it is made.

use super::shown;
use crate::cli::output::{Sign, Table};
use crate::cli::{Context, Exit};
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_journal::{Journal, NewToken};
use rollbook_web::auth::{Scope, hash_secret, make_secret};
use serde_json::json;

/// API tokens
#[derive(Debug, Args)]
pub(in crate::cli) struct TokenCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Create a token, and print it once
    Add {
        /// What it is for
        name: String,
        /// What it may do; may be repeated
        #[arg(long, value_enum, required = true)]
        scope: Vec<ScopeName>,
        /// Days until it expires
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=730))]
        days: i64,
    },
    /// List the tokens
    List,
    /// Revoke a token
    Revoke {
        /// Its number
        id: i64,
    },
}

/// What a token may be for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeName {
    /// Read everything, with all personal data
    Read,
    /// Read the state of links and runs, without personal data
    Status,
    /// Start runs, and read what came of them
    Run,
    /// Resolve attention items
    Resolve,
    /// Approve and reject plans
    #[value(alias = "judge")]
    Approve,
    /// Retry completions, and supply missing enrolment ids
    Report,
    /// Read /metrics from another machine
    Metrics,
}

impl From<ScopeName> for Scope {
    fn from(scope: ScopeName) -> Self {
        match scope {
            ScopeName::Read => Self::Read,
            ScopeName::Status => Self::Status,
            ScopeName::Run => Self::Run,
            ScopeName::Resolve => Self::Resolve,
            ScopeName::Approve => Self::Approve,
            ScopeName::Report => Self::Report,
            ScopeName::Metrics => Self::Metrics,
        }
    }
}

impl TokenCommand {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let journal = context.journal(&settings).await?;
        let (by, now) = (context.author(), context.clock.now());
        match self.act {
            Act::List => list(&journal, context).await,
            Act::Revoke { id } => {
                let revoked = journal.tokens().revoke(id, &by, now).await;
                revoked.into_diagnostic().wrap_err_with(|| format!("while revoking token {id}"))?;
                context.out.sign(Sign::Done, format_args!("token {id} is revoked"));
                context.out.json(&json!({"token": id, "revoked": true}));
                Ok(Exit::Fine)
            }
            Act::Add { name, scope, days } => {
                let secret = format!("rbk_{}", make_secret());
                let words: Vec<&str> = scope.into_iter().map(|scope| Scope::from(scope).as_str()).collect();
                let expires = now.checked_add(SignedDuration::from_hours(24 * days)).into_diagnostic()?;
                let (hash, scope) = (hash_secret(&secret), words.join(" "));
                let token = NewToken { name: &name, hash: &hash, scope: &scope, expires };
                let id = journal.tokens().add(&token, &by, now).await;
                let id = id.into_diagnostic().wrap_err_with(|| format!("while creating the token {name}"))?;
                context.out.sign(
                    Sign::Done,
                    format_args!("token {id} is valid until {}; it is shown only once:", shown(expires)),
                );
                context.out.line(&secret);
                context.out.json(&json!({"token": id, "secret": secret, "scope": words, "expires": expires}));
                Ok(Exit::Fine)
            }
        }
    }
}

async fn list(journal: &Journal, context: &mut Context) -> miette::Result<Exit> {
    let now = context.clock.now();
    let tokens = journal.tokens().list().await.into_diagnostic().wrap_err("while reading the tokens")?;
    if tokens.is_empty() {
        context.out.sign(Sign::Note, "no tokens yet");
    } else {
        let mut table = Table::new(["no.", "name", "scopes", "state", "expires", "last used"]).numbers(&[0]);
        for token in &tokens {
            let state = match token.revoked {
                Some(_) => "revoked",
                None if token.expires <= now => "expired",
                None => "valid",
            };
            let used = token.used.map_or_else(|| "never".to_owned(), shown);
            let (id, state) = (token.id.to_string(), state.to_owned());
            table.row([id, token.name.clone(), token.scope.clone(), state, shown(token.expires), used]);
        }
        context.out.table(&table);
    }
    let rows = tokens.iter().map(|token| {
        json!({
            "id": token.id, "name": token.name, "scope": token.scope, "made_by": token.made_by, "expires": token.expires,
            "revoked": token.revoked, "used": token.used,
        })
    });
    context.out.json(&json!({"tokens": rows.collect::<Vec<_>>()}));
    Ok(Exit::Fine)
}
