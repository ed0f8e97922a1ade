<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * What Rollbook keeps in one course.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

require(__DIR__ . '/../../config.php');

use local_rollbook\local\pages;

$id = required_param('id', PARAM_INT);
$page = optional_param('page', 0, PARAM_INT);

$course = get_course($id);
require_login($course);
$context = context_course::instance($course->id);
require_capability(pages::VIEW, $context);

$url = new moodle_url('/local/rollbook/course.php', ['id' => $course->id]);
$PAGE->set_url($url);
$PAGE->set_pagelayout('incourse');
$PAGE->set_title(get_string('pluginname', 'local_rollbook'));
$PAGE->set_heading(format_string($course->fullname));

$size = 50;
$names = \core_user\fields::for_name()->get_sql('u', false, '', '', false)->selects;
$from = "FROM {local_rollbook_mark} m JOIN {user} u ON u.id = m.userid AND u.deleted = 0
          JOIN {user_enrolments} ue ON ue.id = m.instanceid
         WHERE m.kind = 'enrolment' AND m.courseid = :courseid";
$params = ['courseid' => $course->id];
$count = $DB->count_records_sql("SELECT COUNT(*) $from", $params);
$rows = $DB->get_records_sql(
    "SELECT m.*, ue.status, $names $from ORDER BY u.lastname, u.firstname, m.id",
    $params,
    $page * $size,
    $size
);

$table = new html_table();
$table->head = [
    get_string('fullnameuser'),
    get_string('status'),
    get_string('owned', 'local_rollbook'),
    get_string('pluginname', 'local_rollbook'),
];
foreach ($rows as $row) {
    $profile = new moodle_url('/user/view.php', ['id' => $row->userid, 'course' => $course->id]);
    $table->data[] = [
        html_writer::link($profile, s(fullname($row))),
        get_string((int) $row->status === ENROL_USER_ACTIVE ? 'participationactive' : 'participationsuspended', 'enrol'),
        $row->owned ? get_string('yes') : get_string('no'),
        pages::note($row),
    ];
}

echo $OUTPUT->header();
echo $OUTPUT->heading(get_string('pluginname', 'local_rollbook'));
echo $count ? html_writer::table($table) : html_writer::tag('p', get_string('nothinghere', 'local_rollbook'));
echo $OUTPUT->paging_bar($count, $page, $size, $url);
echo $OUTPUT->footer();
