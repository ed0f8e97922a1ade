<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * What Moodle calls by name.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

/**
 * On a person's profile: what the source says, what Rollbook did, and where to read on.
 *
 * @param \core_user\output\myprofile\tree $tree
 * @param stdClass $user
 * @param bool $iscurrentuser
 * @param stdClass|null $course
 */
function local_rollbook_myprofile_navigation(\core_user\output\myprofile\tree $tree, $user, $iscurrentuser, $course) {
    \local_rollbook\local\pages::profile($tree, $user, $course);
}

/**
 * Beside a course's participants: the enrolments that Rollbook keeps.
 *
 * @param settings_navigation $settings
 * @param context $context
 */
function local_rollbook_extend_settings_navigation(settings_navigation $settings, context $context) {
    \local_rollbook\local\pages::navigation($settings, $context);
}

/**
 * Below a course's participants, before Moodle 4.4; later versions have a hook.
 *
 * @return string
 */
function local_rollbook_before_footer() {
    global $PAGE;
    return \local_rollbook\local\pages::participants($PAGE);
}
