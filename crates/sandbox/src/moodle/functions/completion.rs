//! Course completion by web service: whether, but never when; and only for people who are active in the course.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::args;
use super::{Call, Function};
use crate::moodle::wire::Exception;
use crate::moodle::wire::schema::{Shape, required};
use crate::moodle::{Completion, Moodle};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "core_completion_get_course_completion_status",
        params: &[required("courseid", Shape::Int), required("userid", Shape::Int)],
        run: status,
    },
    Function {
        name: "core_completion_mark_course_self_completed",
        params: &[required("courseid", Shape::Int)],
        run: mark_self,
    },
];

#[derive(Deserialize)]
struct Status {
    courseid: i64,
    userid: i64,
}

fn status(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let Status { courseid, userid } = args(value)?;
    let course = call.moodle.courses.get(courseid).cloned();
    let course = course.ok_or_else(|| Exception::missing("invalidrecord", format!("course {courseid}")))?;
    let user = call.moodle.users.get(userid);
    let user = user.ok_or_else(|| Exception::missing("invaliduser", format!("user {userid}")))?;
    if user.deleted {
        return Err(Exception::moodle("userdeleted", "The user is deleted"));
    }
    if !call.may_open(courseid) {
        return Err(Exception::login("Not enrolled"));
    }
    // Without tracking there is nothing to view, whatever the rights.
    let may = userid == call.caller.token.user_id || call.may("report/completion:view");
    if !call.moodle.site.tracks_completion || !course.enablecompletion || !may {
        return Err(Exception::moodle("cannotviewreport", "You cannot view this report"));
    }
    if userid != call.caller.token.user_id && !call.sees_all_of(courseid) {
        return Err(Exception::moodle("accessdenied", "Access denied"));
    }
    if !tracked(call, userid, courseid) {
        return Err(Exception::moodle("usernotenroled", "The user is not enrolled in the course"));
    }
    if !course.has_criteria {
        return Err(Exception::moodle("nocriteriaset", "No completion criteria set for this course"));
    }
    let row = call.moodle.completion(userid, courseid);
    let completed = row.is_some_and(|row| row.timecompleted.is_some());
    let met = row.and_then(Completion::criterion_met);
    let criterion = json!({
        "type": 1, "title": "Self completion", "status": if met.is_some() { "Yes" } else { "No" },
        "complete": met.is_some(), "timecompleted": met,
        "details": {"type": "Self completion", "criteria": "Self completion", "requirement": "", "status": ""},
    });
    let status = json!({"completed": completed, "aggregation": 1, "completions": [criterion]});
    Ok(json!({"completionstatus": status, "warnings": []}))
}

/// Only active enrolments are tracked.
fn tracked(call: &Call<'_>, user_id: i64, course_id: i64) -> bool {
    let mut rows = call.moodle.enrolments_of_user(user_id);
    rows.any(|row| row.course_id == course_id && call.moodle.is_active(row, call.now))
}

#[derive(Deserialize)]
struct MarkSelf {
    courseid: i64,
}

/// Acts on the token's own account.
fn mark_self(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let MarkSelf { courseid } = args(value)?;
    let own = call.caller.token.user_id;
    let course = call.moodle.courses.get(courseid).cloned();
    let course = course.ok_or_else(|| Exception::missing("invalidrecord", format!("course {courseid}")))?;
    if !tracked(call, own, courseid) {
        return Err(Exception::moodle("nottracked", "You are not tracked in this course"));
    }
    if !course.self_completion {
        return Err(Exception::moodle("noselfcompletioncriteria", "No self completion criteria have been set"));
    }
    if call.moodle.completion(own, courseid).is_some() {
        return Err(Exception::moodle("useralreadymarkedcomplete", "You have already marked this course as complete"));
    }
    call.moodle.queue_completion(own, courseid, call.now);
    Ok(json!({"status": true, "warnings": []}))
}

impl Completion {
    /// When the criterion was met, in Unix seconds; earlier than the course counts as complete.
    fn criterion_met(&self) -> Option<i64> {
        let queued = (self.reaggregate > 0).then_some(self.reaggregate);
        self.timecompleted.or(queued)
    }
}

impl Moodle {
    /// A criterion is met at `now` (Unix seconds); the course is complete after the next [`Moodle::run_cron`].
    pub fn queue_completion(&mut self, user_id: i64, course_id: i64, now: i64) {
        let present = self.completion(user_id, course_id).map(|row| row.id);
        let reaggregate = now;
        match present {
            Some(id) => {
                self.completions.edit(id, |row| row.reaggregate = reaggregate);
            }
            None => {
                let timecompleted = None;
                self.completions.insert(Completion { id: 0, user_id, course_id, timecompleted, reaggregate });
            }
        }
    }

    /// The every-minute task: completes what was queued before `now` (Unix seconds), at the time of its criterion,
    /// and never moves an earlier completion.
    pub fn run_cron(&mut self, now: i64) {
        let due = self.completions.iter().filter(|row| row.reaggregate > 0 && row.reaggregate < now);
        let ids: Vec<i64> = due.map(|row| row.id).collect();
        for id in ids {
            self.completions.edit(id, |row| {
                row.timecompleted = row.timecompleted.or(Some(row.reaggregate));
                row.reaggregate = 0;
            });
        }
    }
}
