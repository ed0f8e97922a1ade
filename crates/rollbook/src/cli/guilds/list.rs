//! `rollbook guilds list COMMUNITY`: the guilds that the account sees, with the names by which they can be synchronised.

use crate::cli::output::{Sign, Table};
use crate::cli::{Context, Exit};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::{Guild, GuildStatus, SiteName, machine_name};
use rollbook_sync::flows::guilds::make_community;
use serde_json::json;

/// List a community's guilds
#[derive(Debug, Args)]
pub(super) struct List {
    /// The community's name in the configuration
    community: String,
}

impl List {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let name = SiteName::new(self.community.as_str());
        let found = settings.guilds().find(|found| found.community.name == name);
        let found = found.ok_or_else(|| {
            let known: Vec<_> = settings.guilds().map(|found| found.community.name.to_string()).collect();
            miette!(help = format!("known: {}", known.join(", ")), "no guilds link reads a community `{name}`")
        })?;
        let community = make_community(found.community, Some(found.link), &context.clock)
            .into_diagnostic()
            .wrap_err_with(|| format!("while preparing {name}"))?;
        let doing = || format!("while reading the guilds of {name}");
        let open = community.open().await.into_diagnostic().wrap_err_with(doing)?;
        let guilds = open.list().await.into_diagnostic().wrap_err_with(doing)?;
        let mut table = Table::new(["number", "machine name", "label", "status"]).numbers(&[0]);
        for guild in &guilds {
            let row = [guild.number.to_string(), machine_name(guild).0, guild.label.clone(), status(guild)];
            table.row(row);
        }
        if guilds.is_empty() {
            let text = "no guild is visible to the account: it needs \"view group\" in the scopes outsider and insider";
            context.out.sign(Sign::Warning, text);
        } else {
            context.out.table(&table);
        }
        let rows = guilds.iter().map(|guild| {
            json!({
                "number": guild.number, "machine_name": machine_name(guild), "label": guild.label,
                "status": guild.status, "uuid": guild.uuid,
            })
        });
        context.out.json(&json!({ "community": name, "guilds": rows.collect::<Vec<_>>() }));
        Ok(Exit::Fine)
    }
}

fn status(guild: &Guild) -> String {
    match guild.status {
        GuildStatus::Published => "published".to_owned(),
        GuildStatus::Unpublished => "unpublished".to_owned(),
    }
}
