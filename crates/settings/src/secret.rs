//! Tokens and passwords: from a variable, from a file of their own, or in plain text.
//!
//! A secret is held so that it prints redacted; it must never get into a message or the list of settings. In plain text
//! in a file that others may read it works, with a warning. Next: [`super::section`].

use super::section::{Origin, RawValue, Section};
use super::tree::Value;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A secret has at most so many bytes; more would be the wrong file.
const BYTES_MAX: u64 = 16 * 1024;

/// An address that may hold a password.
#[derive(Clone, Debug)]
pub struct SecretUrl {
    scheme: String,
    url: SecretString,
}

impl SecretUrl {
    pub(super) fn new(url: &str) -> Self {
        let scheme = url.split(':').next().unwrap_or_default();
        Self { scheme: scheme.to_owned(), url: url.into() }
    }

    /// `postgres`, `mysql`, `sqlite`, `smtp` or `smtps`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The whole address, password and all.
    pub fn expose(&self) -> &str {
        self.url.expose_secret()
    }

    /// The address with its password masked and without its parameters, for people.
    pub fn shown(&self) -> String {
        let masked = super::error::mask(self.expose());
        masked.split('?').next().unwrap_or_default().to_owned()
    }
}

impl Section<'_> {
    /// A secret that must be there. `None` after a problem was noted.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        match self.remove(key) {
            Some(taken) => self.reveal_and_note(key, &taken),
            None => {
                self.missing(key, format!("write `{key} = {{ env = \"NAME\" }}` or `{key} = {{ file = \"path\" }}`"));
                None
            }
        }
    }

    /// A secret that may be absent. `None` then, and after a problem was noted.
    pub fn optional_secret(&mut self, key: &str) -> Option<SecretString> {
        let taken = self.remove(key)?;
        self.reveal_and_note(key, &taken)
    }

    /// An address with a password in it, of one of the given schemes. `None` when absent or after a problem was noted.
    pub fn secret_url(&mut self, key: &str, schemes: &[&str]) -> Option<SecretUrl> {
        let taken = self.remove(key)?;
        let (text, _) = self.reveal(key, &taken)?;
        let help = || Some(format!("`{key}` takes an address that begins with {}", schemes.join(": or ") + ":"));
        if !schemes.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':'))) {
            self.invalid(key, &taken, "this begins with another word", help());
            return None;
        }
        if !text.starts_with("sqlite:") && !Url::parse(&text).is_ok_and(|url| url.has_host()) {
            self.invalid(key, &taken, "this is no address with a host", help());
            return None;
        }
        let url = SecretUrl::new(&text);
        self.record(key, url.shown(), taken.origin);
        Some(url)
    }

    fn reveal_and_note(&self, key: &str, taken: &RawValue) -> Option<SecretString> {
        let (text, source) = self.reveal(key, taken)?;
        self.record(key, format!("(secret, {source})"), taken.origin.clone());
        Some(text.into())
    }

    /// The secret's text without a line's end, and where it came from.
    fn reveal(&self, key: &str, taken: &RawValue) -> Option<(String, String)> {
        let found = match &taken.value {
            Value::Text(text) => {
                self.warn_if_open(key, taken, text);
                Ok((text.clone(), "in plain text".to_owned()))
            }
            Value::Table(table) if table.len() == 1 => {
                let (source, entry) = table.iter().next().expect("it has one entry");
                match (source.as_str(), &entry.node.value) {
                    ("env", Value::Text(name)) => match self.reader.env.get(name) {
                        Some(text) => Ok((text, format!("from the variable {name}"))),
                        None => Err(format!("the environment variable {name} is not set")),
                    },
                    ("file", Value::Text(path)) => {
                        self.secret_of_file(key, path, taken).map(|text| (text, format!("from the file {path}")))
                    }
                    _ => Err("this is neither { env = \"NAME\" } nor { file = \"path\" }".to_owned()),
                }
            }
            _ => Err("this is neither a text nor { env = \"NAME\" } nor { file = \"path\" }".to_owned()),
        };
        let refused = match found {
            Err(reason) => reason,
            Ok((text, _)) if text.trim().is_empty() => "the secret is empty".to_owned(),
            Ok((text, _)) if text.contains(char::is_control) => {
                "the secret has a line break or control character in it".to_owned()
            }
            Ok(found) => return Some(found),
        };
        self.invalid(key, taken, refused, Some("give the secret to this process, or write where it is".to_owned()));
        None
    }

    fn secret_of_file(&self, key: &str, path: &str, taken: &RawValue) -> Result<String, String> {
        let path = self.reader.folder.join(PathBuf::from(path));
        let mut text = String::new();
        let file = std::fs::File::open(&path).map_err(|error| format!("the file cannot be opened: {error}"))?;
        if open_to_others(&path) {
            self.warn_of(
                key,
                taken,
                "others may read that file",
                format!("run `chmod 600 {}` (640 where root owns it for Rollbook's group)", path.display()),
            );
        }
        file.take(BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(|error| format!("the file cannot be read: {error}"))?;
        if text.len() as u64 > BYTES_MAX {
            return Err(format!("the file has more than {BYTES_MAX} bytes"));
        }
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    fn warn_if_open(&self, key: &str, taken: &RawValue, text: &str) {
        let harmless = text.contains(':') && super::error::mask(text) == text && !key.ends_with("token");
        if self.reader.open_to_others && matches!(taken.origin, Origin::Line(_)) && !harmless {
            let help = format!("run `chmod 600` on the file, or write `{key} = {{ env = \"NAME\" }}`");
            self.warn_of(key, taken, "in plain text", help);
        }
    }

    fn warn_of(&self, key: &str, taken: &RawValue, label: &str, help: String) {
        let message = format!("others on this machine can read the secret `{}`", self.name_of(key));
        self.warn(message, taken.place.clone(), label, help);
    }
}

/// Whether others than those it is for may read the file. `false` when that cannot be found out.
pub(super) fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|about| is_open(about.mode(), about.uid()))
}

/// Everybody is "others"; so is a person's own group. The group of a file that root owns was chosen: it is Rollbook's.
fn is_open(mode: u32, owner: u32) -> bool {
    const ROOT: u32 = 0;
    mode & 0o004 != 0 || mode & 0o040 != 0 && owner != ROOT
}

#[cfg(test)]
mod tests {
    use super::is_open;

    #[test]
    fn file_of_root_may_be_read_by_its_group_and_by_nobody_else() {
        assert!(!is_open(0o100_600, 1000) && !is_open(0o100_640, 0));
        assert!(is_open(0o100_640, 1000) && is_open(0o100_644, 0) && is_open(0o100_604, 1000));
    }
}
