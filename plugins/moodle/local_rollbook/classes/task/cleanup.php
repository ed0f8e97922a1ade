<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\task;

/**
 * Forgets what is no longer needed.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class cleanup extends \core\task\scheduled_task {
    /** Days for which changes are kept, sent or not. */
    const DAYS = 14;
    /** Days for which keys of changes are kept. */
    const KEY_DAYS = 30;
    /** Days for which runs are kept. */
    const RUN_DAYS = 90;

    /**
     * Its name.
     *
     * @return string
     */
    public function get_name() {
        return get_string('taskcleanup', 'local_rollbook');
    }

    /**
     * Does it.
     */
    public function execute() {
        global $DB;
        $kept = (int) get_config('local_rollbook', 'keepdays') ?: self::DAYS;
        $DB->delete_records_select('local_rollbook_change', 'timecreated < ?', [time() - $kept * DAYSECS]);
        $DB->delete_records_select('local_rollbook_key', 'timecreated < ?', [time() - self::KEY_DAYS * DAYSECS]);
        $DB->delete_records_select('local_rollbook_run', 'timebegan < ?', [time() - self::RUN_DAYS * DAYSECS]);
        // Marks of what went without an event, such as with a course.
        foreach ([
            'enrolment' => '{user_enrolments}', 'cohort' => '{cohort}', 'account' => '{user} WHERE deleted = 0',
        ] as $kind => $from) {
            $sql = "kind = :kind AND instanceid NOT IN (SELECT id FROM $from)";
            $DB->delete_records_select('local_rollbook_mark', $sql, ['kind' => $kind]);
        }
    }
}
