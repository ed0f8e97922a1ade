//! A guild's machine name: what the community's own software never gives it.
//!
//! A configured field says it best; then the last part of the path alias; a slug of the label is the last resort, since
//! it changes with the label and two labels may share it.

use super::Guild;
use crate::model::MachineName;

/// `cohort.idnumber` ends here, in characters.
const CHARACTERS_MAX: usize = 100;

/// The machine name of a guild, never empty.
pub fn machine_name(guild: &Guild) -> MachineName {
    let field = guild.hints.field.as_deref().map(|field| cut(field.trim()));
    let alias = || guild.hints.alias.as_deref().map(|alias| cut(last_part(alias)));
    let name = field.filter(|name| !name.is_empty()).or_else(|| alias().filter(|name| !name.is_empty()));
    let name = name.unwrap_or_else(|| slug(&guild.label));
    if name.is_empty() { MachineName(format!("guild-{}", guild.number)) } else { MachineName(name) }
}

/// The form in which two machine names are compared: as the widest of Moodle's databases would, without case, accents and
/// outer spaces.
pub fn folded(name: &str) -> String {
    name.trim().chars().flat_map(char::to_lowercase).fold(String::with_capacity(name.len()), |mut text, c| {
        push_plain(&mut text, c);
        text
    })
}

fn last_part(alias: &str) -> &str {
    alias.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default().trim()
}

/// Lower case, Latin letters without their marks, everything that is neither letter nor digit as single hyphens.
fn slug(label: &str) -> String {
    let plain = folded(label);
    let mut text = String::with_capacity(plain.len());
    for c in plain.chars() {
        if c.is_alphanumeric() {
            text.push(c);
        } else if !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
    }
    cut(&text).trim_end_matches('-').to_owned()
}

fn cut(text: &str) -> String {
    text.chars().take(CHARACTERS_MAX).collect::<String>().trim_end().to_owned()
}

fn push_plain(text: &mut String, lower: char) {
    match lower {
        'à'..='å' | 'ā' | 'ă' | 'ą' => text.push('a'),
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => text.push('c'),
        'ď' | 'đ' | 'ð' => text.push('d'),
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => text.push('e'),
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => text.push('g'),
        'ĥ' | 'ħ' => text.push('h'),
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => text.push('i'),
        'ĵ' => text.push('j'),
        'ķ' => text.push('k'),
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => text.push('l'),
        'ñ' | 'ń' | 'ņ' | 'ň' => text.push('n'),
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => text.push('o'),
        'ŕ' | 'ŗ' | 'ř' => text.push('r'),
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => text.push('s'),
        'ţ' | 'ť' | 'ŧ' | 'ț' => text.push('t'),
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => text.push('u'),
        'ŵ' => text.push('w'),
        'ý' | 'ÿ' | 'ŷ' => text.push('y'),
        'ź' | 'ż' | 'ž' => text.push('z'),
        'æ' => text.push_str("ae"),
        'œ' => text.push_str("oe"),
        'ß' => text.push_str("ss"),
        'þ' => text.push_str("th"),
        // Combining marks: the letter was pushed already.
        '\u{300}'..='\u{36f}' => {}
        other => text.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GroupId, GuildStatus, GuildUuid, NameHints};

    fn name(field: Option<&str>, alias: Option<&str>, label: &str) -> String {
        let hints = NameHints { field: field.map(str::to_owned), alias: alias.map(str::to_owned) };
        let guild = Guild {
            uuid: GuildUuid::new("u"),
            number: GroupId(7),
            label: label.into(),
            status: GuildStatus::Published,
            hints,
            members: Vec::new(),
        };
        machine_name(&guild).0
    }

    #[test]
    fn field_beats_alias_beats_label() {
        assert_eq!(name(Some(" webdev "), Some("/guilds/web-dev"), "Web Development"), "webdev");
        assert_eq!(name(Some("  "), Some("/guilds/web-dev/"), "Web Development"), "web-dev");
        assert_eq!(name(None, Some("/"), "Web Development"), "web-development");
    }

    #[test]
    fn label_becomes_a_slug_that_is_never_empty_or_too_long() {
        assert_eq!(name(None, None, "  Élan & Łódź — Straße 7! "), "elan-lodz-strasse-7");
        assert_eq!(name(None, None, "E\u{301}lan"), "elan");
        assert_eq!(name(None, None, "Гильдия мастеров"), "гильдия-мастеров");
        assert_eq!(name(None, None, "???"), "guild-7");
        assert_eq!(name(None, None, &"long ".repeat(50)).chars().count(), 99);
    }

    #[test]
    fn names_that_a_database_would_confuse_fold_to_one() {
        assert_eq!(folded(" Élan "), folded("elan"));
        assert_ne!(folded("elan-1"), folded("elan-2"));
    }
}
