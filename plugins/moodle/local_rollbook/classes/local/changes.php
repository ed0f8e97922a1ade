<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * The queue of changes that others made. Lines stay in it for some days after they were sent, for {@see get_changes}.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class changes {
    /** Seconds after which no open transaction can add a lower id any more, one that takes longer apart. */
    const SETTLED = 10;

    /**
     * Queues a change, unless the same waits already, and asks for it to be sent.
     *
     * @param string $kind
     * @param string $what
     * @param int $userid
     * @param int $courseid
     * @param int $cohortid
     */
    public static function queue(string $kind, string $what, int $userid = 0, int $courseid = 0, int $cohortid = 0): void {
        global $DB;
        $change = [
            'kind' => $kind, 'what' => $what, 'userid' => $userid, 'courseid' => $courseid, 'cohortid' => $cohortid,
            'timetaken' => 0, 'timesent' => 0,
        ];
        // One that is in a message already may have been read by Rollbook before this change.
        if ($DB->record_exists('local_rollbook_change', $change)) {
            return;
        }
        $DB->insert_record('local_rollbook_change', (object) ($change + ['timecreated' => time()]), false);
        if (setup::events_on()) {
            \core\task\manager::queue_adhoc_task(new \local_rollbook\task\send_changes(), true);
        }
    }

    /**
     * A change as it is told.
     *
     * @param \stdClass $row
     * @return array
     */
    public static function answer(\stdClass $row): array {
        $answer = ['id' => (int) $row->id, 'kind' => $row->kind, 'what' => $row->what, 'at' => (int) $row->timecreated];
        foreach (['userid' => 'user_id', 'courseid' => 'course_id', 'cohortid' => 'cohort_id'] as $column => $name) {
            if ($row->$column > 0) {
                $answer[$name] = (int) $row->$column;
            }
        }
        return $answer;
    }
}
