<?php
// Rollbook - the Moodle side of the live suite: opts a course in, and lets somebody complete it.
// Copyright (C) 2026 The Rollbook authors. GPL-3.0-or-later.
//
// Run on the Moodle server, as the user of its web server, with the same PHP; `rollbook live --complete` does:
//
//   sudo -u www-data php rollbook-complete.php --moodle=/var/www/moodle --course=ID [--user=ID]
//
// Web services can neither give a course a completion criterion nor complete it for somebody else. It touches courses of the
// live suite only, by their short names, and is for a Moodle without learners: it runs Moodle's own completion task.

define('CLI_SCRIPT', true);

const FIELD = 'completion_opt_in';

$given = getopt('', ['moodle:', 'course:', 'user:', 'help']);
if (isset($given['help']) || !isset($given['moodle'], $given['course']) || !is_file($given['moodle'] . '/config.php')) {
    fwrite(STDERR, "php rollbook-complete.php --moodle=FOLDER --course=ID [--user=ID]\n");
    exit(2);
}
require($given['moodle'] . '/config.php');
require_once($CFG->libdir . '/completionlib.php');
require_once($CFG->dirroot . '/completion/criteria/completion_criteria_self.php');
require_once($CFG->dirroot . '/completion/completion_criteria_completion.php');

$course = $DB->get_record('course', ['id' => (int) $given['course']], '*', MUST_EXIST);
if (!preg_match('/^rbl[0-9a-f]+-/', $course->shortname)) {
    fwrite(STDERR, "! course $course->id is not one of the live suite\n");
    exit(1);
}
\core\session\manager::set_user(get_admin());
opt_in($course);
$criterion = criterion($course);
if (isset($given['user'])) {
    complete($course, (int) $given['user'], $criterion);
}

/** Tracks completion in the course, and ticks its custom field, which is made where the site has none. */
function opt_in(stdClass $course): void {
    global $DB, $CFG;
    if (empty($CFG->enablecompletion)) {
        set_config('enablecompletion', 1);
    }
    if (!$course->enablecompletion) {
        $DB->set_field('course', 'enablecompletion', 1, ['id' => $course->id]);
        rebuild_course_cache($course->id, true);
    }
    $handler = \core_course\customfield\course_handler::create();
    if (!$DB->record_exists('customfield_field', ['shortname' => FIELD])) {
        $category = \core_customfield\category_controller::create($handler->create_category('Rollbook'));
        $field = \core_customfield\field_controller::create(0, (object) ['type' => 'checkbox'], $category);
        $handler->save_field_configuration($field, (object) ['name' => 'Completion opt in', 'shortname' => FIELD,
            'configdata' => ['required' => 0, 'uniquevalues' => 0, 'locked' => 0, 'visibility' => 2, 'checkbydefault' => 0]]);
    }
    $handler->instance_form_save((object) ['id' => $course->id, 'customfield_' . FIELD => 1]);
}

/** The course's one criterion: the learner says so. */
function criterion(stdClass $course): int {
    global $DB;
    $own = ['course' => $course->id, 'criteriatype' => COMPLETION_CRITERIA_TYPE_SELF];
    return (int) ($DB->get_field('course_completion_criteria', 'id', $own)
        ?: $DB->insert_record('course_completion_criteria', (object) $own));
}

/** Meets the criterion, and lets Moodle's own task find that the course is complete. */
function complete(stdClass $course, int $userid, int $criterionid): void {
    global $DB;
    $now = time();
    $met = new completion_criteria_completion(['course' => $course->id, 'userid' => $userid, 'criteriaid' => $criterionid]);
    $met->mark_complete($now);
    // The task takes up what was queued before the second in which it starts.
    while (time() <= $now) {
        usleep(50000);
    }
    ob_start();
    (new \core\task\completion_regular_task())->execute();
    ob_end_clean();
    $own = ['course' => $course->id, 'userid' => $userid];
    if (!$DB->get_field('course_completions', 'timecompleted', $own)) {
        fwrite(STDERR, "! account $userid has not completed course $course->id; is it enrolled as a learner?\n");
        exit(1);
    }
}
