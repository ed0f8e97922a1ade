//! What lets somebody complete a course: no web service can, so that it is a command on Moodle's own server.
//!
//! `assets/moodle/rollbook-complete.php` is such a command. Next: `cases/completions`, which need it.

use super::bench::Bench;
use super::difference::{Checked, Difference};
use super::made::Place;
use rollbook_core::model::{MoodleCourseId, MoodleUserId};
use std::fmt;
use std::process::Command;
use std::sync::Arc;

type Act = dyn Fn(MoodleCourseId, Option<MoodleUserId>) -> Result<(), String> + Send + Sync;

/// Opts a course in and gives it a criterion; where somebody is named, lets them complete it now.
#[derive(Clone)]
pub struct Completer(Arc<Act>);

impl fmt::Debug for Completer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Completer")
    }
}

impl Completer {
    /// By a function; an error says what failed.
    pub fn new(
        act: impl Fn(MoodleCourseId, Option<MoodleUserId>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(act))
    }

    /// By a command of the shell, to which `--course=ID` and `--user=ID` are added.
    pub fn command(line: &str) -> Self {
        let line = line.to_owned();
        Self::new(move |course, user| {
            let user = user.map(|user| format!(" --user={user}")).unwrap_or_default();
            let output = Command::new("sh").arg("-c").arg(format!("{line} --course={course}{user}")).output();
            let output = output.map_err(|error| error.to_string())?;
            match output.status.success() {
                true => Ok(()),
                false => Err(String::from_utf8_lossy(&output.stderr).trim().chars().take(300).collect()),
            }
        })
    }
}

impl Bench {
    /// A course opts in and gets a criterion that learners meet by saying so.
    pub(super) async fn opt_in(&self, course: &Place) -> Checked {
        self.act("opting a course in", course.id, None).await
    }

    /// Somebody completes a course, now.
    pub(super) async fn complete(&self, user: MoodleUserId, course: &Place) -> Checked {
        self.act("completing a course", course.id, Some(user)).await
    }

    async fn act(&self, doing: &str, course: MoodleCourseId, user: Option<MoodleUserId>) -> Checked {
        let failed = |why: String| Difference::Failed { doing: doing.to_owned(), why };
        let completer = self.options.completer.clone();
        let Completer(act) = completer.ok_or_else(|| failed("nothing lets people complete courses".to_owned()))?;
        let acted = tokio::task::spawn_blocking(move || act(course, user)).await;
        acted.map_err(|error| failed(error.to_string()))?.map_err(failed)
    }
}
