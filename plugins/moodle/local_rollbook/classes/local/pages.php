<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

use core_user\output\myprofile\category;
use core_user\output\myprofile\node;
use core_user\output\myprofile\tree;

/**
 * What people see of Rollbook on Moodle's own pages, those who may.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class pages {
    /** Capability to see notes. */
    const VIEW = 'local/rollbook:viewnotes';

    /**
     * Adds to a profile what is known of the account and of the person's enrolments.
     *
     * @param tree $tree
     * @param \stdClass $user
     * @param \stdClass|null $course
     */
    public static function profile(tree $tree, \stdClass $user, ?\stdClass $course): void {
        global $DB;
        $inside = $course && (int) $course->id !== (int) SITEID;
        $context = $inside ? \context_course::instance($course->id) : \context_system::instance();
        if (!has_capability(self::VIEW, $context)) {
            return;
        }
        $params = ['userid' => $user->id];
        $where = "m.userid = :userid AND m.kind IN ('account', 'enrolment')";
        if ($inside) {
            $where .= ' AND (m.courseid = 0 OR m.courseid = :courseid)';
            $params['courseid'] = $course->id;
        }
        $sql = "SELECT m.*, c.fullname FROM {local_rollbook_mark} m LEFT JOIN {course} c ON c.id = m.courseid
                 WHERE $where ORDER BY m.kind, c.fullname";
        $marks = $DB->get_records_sql($sql, $params, 0, 50);
        if (!$marks) {
            return;
        }
        $tree->add_category(new category('local_rollbook', get_string('pluginname', 'local_rollbook'), 'contact'));
        foreach ($marks as $mark) {
            $title = $mark->kind === 'account' ? get_string('account', 'local_rollbook') : format_string($mark->fullname);
            $tree->add_node(new node('local_rollbook', "local_rollbook_$mark->id", $title, null, null, self::note($mark)));
        }
    }

    /**
     * Adds a page to those beside a course's participants.
     *
     * @param \settings_navigation $settings
     * @param \context $context
     */
    public static function navigation(\settings_navigation $settings, \context $context): void {
        $course = $context->get_course_context(false);
        if (!$course || (int) $course->instanceid === (int) SITEID || !has_capability(self::VIEW, $course)) {
            return;
        }
        $users = $settings->find('users', \navigation_node::TYPE_CONTAINER);
        if ($users) {
            $url = new \moodle_url('/local/rollbook/course.php', ['id' => $course->instanceid]);
            $users->add(get_string('pluginname', 'local_rollbook'), $url, \navigation_node::TYPE_SETTING, null, 'local_rollbook');
        }
    }

    /**
     * A line below a course's participants.
     *
     * @param \moodle_page $page
     * @return string HTML; empty on any other page
     */
    public static function participants(\moodle_page $page): string {
        global $DB;
        if (!$page->has_set_url() || strpos((string) $page->pagetype, 'course-view-participants') !== 0
                && $page->url->get_path() !== (new \moodle_url('/user/index.php'))->get_path()) {
            return '';
        }
        $course = (int) $page->course->id;
        if ($course === (int) SITEID || !has_capability(self::VIEW, \context_course::instance($course))) {
            return '';
        }
        $count = $DB->count_records('local_rollbook_mark', ['kind' => 'enrolment', 'courseid' => $course, 'owned' => 1]);
        if (!$count) {
            return '';
        }
        $link = \html_writer::link(
            new \moodle_url('/local/rollbook/course.php', ['id' => $course]),
            get_string('participants', 'local_rollbook', $count)
        );
        return \html_writer::div($link, 'local-rollbook-participants p-3');
    }

    /**
     * What a mark says.
     *
     * @param \stdClass $mark
     * @return string HTML
     */
    public static function note(\stdClass $mark): string {
        $lines = [];
        foreach (['says', 'did'] as $field) {
            if ((string) $mark->$field !== '') {
                $lines[] = get_string($field, 'local_rollbook', s($mark->$field));
            }
        }
        $lines[] = get_string('since', 'local_rollbook', userdate($mark->timemodified));
        $story = self::story((string) $mark->story);
        if ($story) {
            $lines[] = \html_writer::link($story, get_string('story', 'local_rollbook'));
        }
        return implode(\html_writer::empty_tag('br'), $lines);
    }

    /**
     * The address of a page of Rollbook.
     *
     * @param string $path as Rollbook told it, from its root
     * @return \moodle_url|null null where there is none, or nobody said where Rollbook is
     */
    public static function story(string $path): ?\moodle_url {
        $base = rtrim((string) (get_config('local_rollbook', 'weburl') ?: get_config('local_rollbook', 'url')), '/');
        if ($base === '' || strpos($path, '/') !== 0 || strpos($path, '//') === 0) {
            return null;
        }
        return new \moodle_url($base . $path);
    }
}
