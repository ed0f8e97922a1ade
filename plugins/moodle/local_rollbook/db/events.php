<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * What the plugin listens to. Observers only write a line into a queue; nothing is sent in anybody's request.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$observers = array_map(
    static function (string $event): array {
        return [
            'eventname' => '\core\event\\' . $event,
            'callback' => '\local_rollbook\observer::' . $event,
        ];
    },
    [
        'course_completed',
        'user_updated',
        'user_deleted',
        'user_enrolment_created',
        'user_enrolment_updated',
        'user_enrolment_deleted',
        'cohort_updated',
        'cohort_deleted',
        'cohort_member_added',
        'cohort_member_removed',
    ]
);
