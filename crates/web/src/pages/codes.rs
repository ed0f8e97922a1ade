//! Codes: every outcome of a record, with its cause, its remedy, who acts, and how many records have it now.

use crate::layout::{Layout, PageContext, PageLocation, PageResult, code_label, format_count, show};
use askama::Template;
use rollbook_core::run::OutcomeCode;
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "pages/codes.html")]
struct CodesPage {
    layout: Layout,
    codes: Vec<CodeRow>,
}

struct CodeRow {
    code: &'static str,
    label: String,
    cause: &'static str,
    remedy: &'static str,
    owner: &'static str,
    waiting: String,
    log: String,
}

pub(super) async fn show_codes(context: PageContext) -> PageResult {
    let mut waiting: BTreeMap<&'static str, u64> = BTreeMap::new();
    for link in context.state.journal.links().overview(context.now).await? {
        for (code, total) in link.waiting {
            *waiting.entry(code.as_str()).or_default() += total;
        }
    }
    let row = |code: &OutcomeCode| {
        let entry = code.entry();
        let total = waiting.get(code.as_str()).copied().unwrap_or_default();
        CodeRow {
            code: code.as_str(),
            label: code_label(*code),
            cause: entry.cause,
            remedy: entry.remedy.unwrap_or("Nothing needs to be done."),
            owner: entry.owner.as_str(),
            waiting: if total == 0 { String::new() } else { format_count(total) },
            log: super::views::record::log_path(&[("code", code.as_str())]),
        }
    };
    let page = CodesPage {
        layout: context.layout("Codes", PageLocation::Log).await?,
        codes: OutcomeCode::ALL.iter().map(row).collect(),
    };
    show(&page)
}
