<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\changes;
use local_rollbook\local\limits;
use local_rollbook\local\status;

/**
 * Changes by others, for a Rollbook that cannot be reached by Moodle, or that missed some.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class get_changes extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters([
            'after' => self::given(PARAM_INT, 0, 'cursor of the page before; 0: from the oldest that is kept'),
            'limit' => self::given(PARAM_INT, 0, '0: as many as are allowed'),
        ]);
    }

    /**
     * Answers.
     *
     * @param int $after
     * @param int $limit
     * @return array
     */
    public static function execute($after = 0, $limit = 0): array {
        global $DB;
        $asked = self::validate_parameters(self::execute_parameters(), compact('after', 'limit'));
        self::enter('readpeople');
        $limit = limits::page($asked['limit'], limits::CHANGES);
        $where = ['after' => $asked['after']];
        $rows = $DB->get_records_select('local_rollbook_change', 'id > :after', $where, 'id', '*', 0, $limit + 1);
        $more = count($rows) > $limit;
        $rows = array_slice($rows, 0, $limit, true);
        // A transaction that is still open may add a lower id than one that is told: the cursor stays behind what is fresh.
        $cursor = $asked['after'];
        foreach ($rows as $row) {
            if ($row->timecreated > time() - changes::SETTLED) {
                break;
            }
            $cursor = (int) $row->id;
        }
        status::count('get_changes', count($rows));
        return [
            'changes' => array_values(array_map([changes::class, 'answer'], $rows)),
            'cursor' => $cursor,
            // A page of fresh ones only would be the same again.
            'more' => $more && $cursor > $asked['after'],
            'oldest' => (int) $DB->get_field_sql('SELECT MIN(id) FROM {local_rollbook_change}'),
            'now' => time(),
        ];
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return new external_single_structure([
            'changes' => self::rows([
                'id' => self::field(PARAM_INT),
                'kind' => self::field(PARAM_ALPHA, 'completion, account, enrolment, cohort or member'),
                'what' => self::field(PARAM_ALPHA, 'completed, changed, created, updated, deleted, added or removed'),
                'at' => self::field(PARAM_INT),
                'user_id' => self::maybe(PARAM_INT),
                'course_id' => self::maybe(PARAM_INT),
                'cohort_id' => self::maybe(PARAM_INT),
            ]),
            'cursor' => self::field(PARAM_INT, 'for the next call; fresh changes come again then'),
            'more' => self::field(PARAM_BOOL),
            'oldest' => self::field(PARAM_INT, 'the oldest that is kept; 0: none. A cursor below it minus one missed some'),
            'now' => self::field(PARAM_INT),
        ]);
    }
}
