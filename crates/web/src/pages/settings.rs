//! The effective configuration: every key with its value, secrets left out, and where the value came from.

use crate::layout::{Layout, PageContext, PageLocation, PageResult, show};
use askama::Template;
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "pages/settings.html")]
struct SettingsPage {
    layout: Layout,
    sections: Vec<Section>,
}

struct Section {
    name: String,
    rows: Vec<(String, String, String)>,
}

pub(super) async fn show_settings(context: PageContext) -> PageResult {
    let mut sections: BTreeMap<String, Vec<(String, String, String)>> = BTreeMap::new();
    for setting in &context.state.settings.effective {
        let (section, key) = section_of(&setting.key);
        let row = (key.to_owned(), setting.value.clone(), setting.origin.to_string());
        sections.entry(section.to_owned()).or_default().push(row);
    }
    let page = SettingsPage {
        layout: context.layout("Settings", PageLocation::Settings).await?,
        sections: sections.into_iter().map(|(name, rows)| Section { name, rows }).collect(),
    };
    show(&page)
}

/// `site.learning.retry.tries` is the key `retry.tries` of the section `site.learning`.
fn section_of(key: &str) -> (&str, &str) {
    let named = key.starts_with("site.") || key.starts_with("link.");
    let dots = if named { 1 } else { 0 };
    match key.match_indices('.').nth(dots) {
        Some((at, _)) => (&key[..at], &key[at + 1..]),
        None => ("", key),
    }
}

#[cfg(test)]
mod tests {
    use super::section_of;

    #[test]
    fn key_stands_under_its_site_or_link() {
        assert_eq!(section_of("site.learning.retry.tries"), ("site.learning", "retry.tries"));
        assert_eq!(section_of("server.listen"), ("server", "listen"));
        assert_eq!(section_of("timezone"), ("", "timezone"));
    }
}
