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
        let row = (key.to_owned(), shown_value(key, &setting.value), setting.origin.to_string());
        sections.entry(section.to_owned()).or_default().push(row);
    }
    let page = SettingsPage {
        layout: context.layout("Settings", PageLocation::Settings).await?,
        sections: sections.into_iter().map(|(name, rows)| Section { name, rows }).collect(),
    };
    show(&page)
}

/// Addresses whose path is a secret: whoever knows it may post there.
const SECRET_PATHS: [&str; 3] = ["webhook", "heartbeat_url", "otlp_url"];

/// A value without what must not be shown: of an address with a secret path its scheme and host only.
fn shown_value(key: &str, value: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or_default();
    let address = value.split_once("://").filter(|_| SECRET_PATHS.contains(&last));
    let Some((scheme, rest)) = address else { return value.to_owned() };
    let end = rest.find(['/', '?', '#', '"', '\'']).unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    let quote = if value.starts_with('"') { "\"" } else { "" };
    format!("{scheme}://{host}/…{quote}")
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
    use super::{section_of, shown_value};

    #[test]
    fn address_with_a_secret_path_shows_its_host_only() {
        let webhook = "https://user:pw@hooks.example.org/services/T0/B0/secret?x=1";
        assert_eq!(shown_value("webhook", webhook), "https://hooks.example.org/…");
        assert_eq!(
            shown_value("heartbeat_url", "\"https://hc.example.org:8443/ping/uuid\""),
            "\"https://hc.example.org:8443/…\""
        );
        assert_eq!(shown_value("feed_url", "https://elm.example.org/odata/x"), "https://elm.example.org/odata/x");
        assert_eq!(shown_value("webhook", "secret"), "secret");
    }

    #[test]
    fn key_stands_under_its_site_or_link() {
        assert_eq!(section_of("site.learning.retry.tries"), ("site.learning", "retry.tries"));
        assert_eq!(section_of("server.listen"), ("server", "listen"));
        assert_eq!(section_of("timezone"), ("", "timezone"));
    }
}
