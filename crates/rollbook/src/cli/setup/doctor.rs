//! `rollbook doctor`: reaches every site, and says what is missing and what to do about it.
//!
//! It changes nothing anywhere. Next: [`rollbook_sync::flows::doctor`], which examines.

use crate::cli::output::{Output, Sign};
use crate::cli::{Context, Exit};
use clap::Args;
use rollbook_core::model::SiteName;
use rollbook_sync::flows::doctor::{Check, Health, examine};
use serde_json::json;

/// Check every site: access, permissions, settings
#[derive(Debug, Args)]
pub(in crate::cli) struct Doctor {
    /// Check only this site
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
}

impl Doctor {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let site = self.site.map(SiteName::new);
        let checks = examine(&settings, site.as_ref(), &context.clock).await;
        Ok(print(&checks, &mut context.out))
    }
}

fn print(checks: &[Check], out: &mut Output) -> Exit {
    let mut site = "";
    for check in checks {
        if check.site != site {
            site = &check.site;
            out.heading(site);
        }
        let sign = match check.health {
            Health::Good => Sign::Done,
            Health::Warning => Sign::Warning,
            Health::Bad => Sign::Failed,
        };
        out.sign(sign, format_args!("{}: {}", check.name, check.detail));
        if !check.mend.is_empty() {
            out.line(format_args!("    {}", check.mend));
        }
    }
    out.json(&json!({ "checks": checks }));
    let worst = checks.iter().map(|check| check.health).max();
    if worst == Some(Health::Bad) { Exit::Failed } else { Exit::Fine }
}
