//! The welcome mail: three templates (subject, text, HTML) that the operator may replace by files of the same names.
//!
//! A template sees `first_name`, `last_name`, `course_name`, `course_url`, `help_url` (may be empty) and `signature`.
//! It never sees more. Templates are compiled once, before anything is sent: a broken one stops the run with its line.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use std::path::Path;

const SUBJECT: &str = "welcome.subject.txt";
const TEXT: &str = "welcome.txt";
const HTML: &str = "welcome.html";

const BUILT_IN: [(&str, &str); 3] = [
    (SUBJECT, include_str!("../../templates/mail/welcome.subject.txt")),
    (TEXT, include_str!("../../templates/mail/welcome.txt")),
    (HTML, include_str!("../../templates/mail/welcome.html")),
];

/// A replaced template may have so many bytes.
const TEMPLATE_BYTES_MAX: u64 = 256 * 1024;
/// A subject line may have so many characters.
const SUBJECT_CHARACTERS_MAX: usize = 250;

/// The compiled templates of one link.
pub struct WelcomeTemplates {
    environment: Environment<'static>,
}

/// What a welcome mail says.
#[derive(Clone, Copy, Debug)]
pub struct Welcomed<'a> {
    /// Given name.
    pub first_name: &'a str,
    /// Family name.
    pub last_name: &'a str,
    /// The course's full name.
    pub course_name: &'a str,
    /// Where the course is.
    pub course_url: &'a str,
    /// Where help is; may be empty.
    pub help_url: &'a str,
    /// The last lines.
    pub signature: &'a str,
}

/// A rendered mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WelcomeMail {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML, every value escaped.
    pub html: String,
}

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WelcomeError {
    /// A replaced template cannot be read.
    #[error("the template {name} cannot be read")]
    Read {
        /// The file's name.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// A replaced template is larger than 256 KiB.
    #[error("the template {name} is larger than {TEMPLATE_BYTES_MAX} bytes")]
    TooLarge {
        /// The file's name.
        name: String,
    },
    /// A template does not compile or names a value that there is not.
    #[error("the template {name} is not usable")]
    Template {
        /// The file's name.
        name: String,
        /// Why, with the line.
        source: Box<minijinja::Error>,
    },
}

impl WelcomeTemplates {
    /// Compiles the built-in templates, each replaced by the file of its name in `folder` where there is one, and renders
    /// them once to see that they use no other value.
    pub fn load(folder: Option<&Path>) -> Result<Self, WelcomeError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment
            .set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
        for (name, built_in) in BUILT_IN {
            let text = match folder {
                Some(folder) => read(folder, name)?.unwrap_or_else(|| built_in.to_owned()),
                None => built_in.to_owned(),
            };
            let added = environment.add_template_owned(name, text);
            added.map_err(|source| WelcomeError::Template { name: name.to_owned(), source: Box::new(source) })?;
        }
        let templates = Self { environment };
        let example = Welcomed {
            first_name: "A",
            last_name: "B",
            course_name: "C",
            course_url: "d",
            help_url: "e",
            signature: "f",
        };
        templates.render(&example)?;
        Ok(templates)
    }

    /// Renders one mail.
    pub fn render(&self, values: &Welcomed<'_>) -> Result<WelcomeMail, WelcomeError> {
        let one_line = self.render_one(SUBJECT, values)?.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(WelcomeMail {
            subject: one_line.chars().take(SUBJECT_CHARACTERS_MAX).collect(),
            text: self.render_one(TEXT, values)?,
            html: self.render_one(HTML, values)?,
        })
    }

    fn render_one(&self, name: &str, values: &Welcomed<'_>) -> Result<String, WelcomeError> {
        let Welcomed { first_name, last_name, course_name, course_url, help_url, signature } = *values;
        let context = context! { first_name, last_name, course_name, course_url, help_url, signature };
        let rendered = self.environment.get_template(name).and_then(|template| template.render(context));
        rendered.map_err(|source| WelcomeError::Template { name: name.to_owned(), source: Box::new(source) })
    }
}

fn read(folder: &Path, name: &str) -> Result<Option<String>, WelcomeError> {
    let path = folder.join(name);
    let failed = |source| WelcomeError::Read { name: name.to_owned(), source };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
        Ok(meta) if meta.len() > TEMPLATE_BYTES_MAX => Err(WelcomeError::TooLarge { name: name.to_owned() }),
        Ok(_) => std::fs::read_to_string(&path).map(Some).map_err(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JANE: Welcomed<'static> = Welcomed {
        first_name: "<b>Jané</b>",
        last_name: "O'Brien",
        course_name: "Fire & Safety\nSubject: x",
        course_url: "https://learn.example.org/course/view.php?id=7",
        help_url: "",
        signature: "The learning team\nExample",
    };

    #[test]
    fn html_in_a_name_is_text_and_a_subject_is_one_line() {
        let mail = WelcomeTemplates::load(None).unwrap().render(&JANE).unwrap();
        assert_eq!(mail.subject, "Welcome to Fire & Safety Subject: x");
        assert!(mail.html.contains("&lt;b&gt;Jané&lt;&#x2f;b&gt;") && !mail.html.contains("<b>Jan"), "{}", mail.html);
        assert!(mail.html.contains("The learning team<br>Example"), "{}", mail.html);
        assert!(mail.text.contains("Hello <b>Jané</b>,") && !mail.text.contains("help"));
    }

    #[test]
    fn operator_replaces_one_template_and_a_broken_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(TEXT), "Hi {{ first_name }}").unwrap();
        let mail = WelcomeTemplates::load(Some(folder.path())).unwrap().render(&JANE).unwrap();
        assert_eq!(mail.text, "Hi <b>Jané</b>");
        for broken in ["Hi {{ firstname }}", "Hi {{ first_name"] {
            std::fs::write(folder.path().join(TEXT), broken).unwrap();
            let error = WelcomeTemplates::load(Some(folder.path())).err().unwrap();
            assert!(matches!(error, WelcomeError::Template { ref name, .. } if name == TEXT), "{error}");
        }
    }
}
