//! Courses whose opt-in the account may not see: nothing follows from that, and somebody should know.

use super::CompletionsView;
use crate::guard::Finding;
use crate::model::{OptIn, counted_as};

pub(super) fn check(view: &CompletionsView<'_>) -> Vec<Finding> {
    let courses = &view.courses.value;
    let hidden = courses.iter().filter(|course| course.opt_in == OptIn::Hidden).count();
    if hidden == 0 {
        return Vec::new();
    }
    let message = format!(
        "{hidden} of {} not show the opt-in field; is it visible to everyone, and rightly named?",
        counted_as(courses.len(), "course does", "courses do")
    );
    vec![Finding::warn("hidden_opt_ins", "courses", message)]
}
