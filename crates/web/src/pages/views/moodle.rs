//! Links into a Moodle site: what an operator looks up there next.

use rollbook_core::model::{CohortId, LinkName, MoodleCourseId, MoodleUserId};
use rollbook_settings::Settings;
use rollbook_settings::link::Link;

/// The Moodle site of a link; every address is empty where the link is no longer configured.
pub struct MoodleUrls(Option<String>);

impl MoodleUrls {
    pub fn of(settings: &Settings, link: &LinkName) -> Self {
        let site = settings.links.get(link).map(|link| match link {
            Link::Completions(link) => link.from.clone(),
            other => other.ends().1.clone(),
        });
        let moodle = site.and_then(|site| settings.moodle(&site).map(|moodle| moodle.url.clone()));
        Self(moodle.map(|url| url.as_str().trim_end_matches('/').to_owned()))
    }

    pub fn account(&self, id: MoodleUserId) -> String {
        self.page("user/profile.php", id.0)
    }

    pub fn course(&self, id: MoodleCourseId) -> String {
        self.page("course/view.php", id.0)
    }

    pub fn participants(&self, id: MoodleCourseId) -> String {
        self.page("user/index.php", id.0)
    }

    pub fn cohort(&self, id: CohortId) -> String {
        self.page("cohort/assign.php", id.0)
    }

    fn page(&self, path: &str, id: i64) -> String {
        self.0.as_ref().filter(|_| id > 0).map_or_else(String::new, |base| format!("{base}/{path}?id={id}"))
    }
}
