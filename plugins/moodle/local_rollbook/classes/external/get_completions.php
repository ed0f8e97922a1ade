<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\limits;
use local_rollbook\local\status;

/**
 * Course completions by the moment of completion.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class get_completions extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters([
            'since' => self::given(PARAM_INT, 0, 'completed then or later'),
            'cursor' => self::given(PARAM_RAW_TRIMMED, '', 'of the page before'),
            'courseids' => self::given(PARAM_SEQUENCE, '', 'ids of courses, with commas; none: all'),
            'limit' => self::given(PARAM_INT, 0, '0: as many as are allowed'),
        ]);
    }

    /**
     * Answers.
     *
     * @param int $since
     * @param string $cursor
     * @param string $courseids
     * @param int $limit
     * @return array
     */
    public static function execute($since = 0, $cursor = '', $courseids = '', $limit = 0): array {
        global $DB;
        $asked = self::validate_parameters(self::execute_parameters(), compact('since', 'cursor', 'courseids', 'limit'));
        self::enter('readpeople');
        $courseids = limits::ids($asked['courseids'], limits::STATE_COURSES);
        $limit = limits::page($asked['limit'], limits::COMPLETIONS);
        $where = ['u.deleted = 0'];
        $params = [];
        if ($asked['cursor'] !== '') {
            if (!preg_match('/^(\d{1,18}):(\d{1,18})$/', $asked['cursor'], $found)) {
                throw new \invalid_parameter_exception('cursor');
            }
            $where[] = '(cc.timecompleted > :time OR (cc.timecompleted = :same AND cc.id > :id))';
            // Beside the condition above, which says the same, this one lets the database start at the right place.
            $where[] = 'cc.timecompleted >= :from';
            $params += ['time' => (int) $found[1], 'same' => (int) $found[1], 'from' => (int) $found[1], 'id' => (int) $found[2]];
        } else {
            $where[] = 'cc.timecompleted >= :from';
            $params['from'] = max(1, $asked['since']);
        }
        if ($courseids) {
            [$in, $some] = $DB->get_in_or_equal($courseids, SQL_PARAMS_NAMED, 'c');
            $where[] = "cc.course $in";
            $params += $some;
        }
        $sql = "SELECT cc.id, cc.userid, cc.course AS courseid, cc.timeenrolled, cc.timestarted, cc.timecompleted,
                       u.idnumber, u.email, u.firstname, u.lastname, u.suspended, c.idnumber AS courseidnumber
                  FROM {course_completions} cc
                  JOIN {user} u ON u.id = cc.userid
                  JOIN {course} c ON c.id = cc.course
                 WHERE " . implode(' AND ', $where) . '
              ORDER BY cc.timecompleted, cc.id';
        $rows = $DB->get_records_sql($sql, $params, 0, $limit + 1);
        $more = count($rows) > $limit;
        $rows = array_slice($rows, 0, $limit, true);
        $last = end($rows);
        status::count('get_completions', count($rows));
        return [
            'completions' => array_values(array_map(static function (\stdClass $row): array {
                $row->timeenrolled = (int) $row->timeenrolled;
                $row->timestarted = (int) $row->timestarted;
                return (array) $row;
            }, $rows)),
            'cursor' => $last ? "$last->timecompleted:$last->id" : $asked['cursor'],
            'more' => $more,
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
            'completions' => self::rows([
                'id' => self::field(PARAM_INT, 'course_completions.id'),
                'userid' => self::field(PARAM_INT),
                'courseid' => self::field(PARAM_INT),
                'timeenrolled' => self::field(PARAM_INT, '0: none'),
                'timestarted' => self::field(PARAM_INT, '0: none'),
                'timecompleted' => self::field(PARAM_INT),
                'idnumber' => self::field(PARAM_RAW, 'the person\'s'),
                'email' => self::field(PARAM_RAW),
                'firstname' => self::field(PARAM_RAW),
                'lastname' => self::field(PARAM_RAW),
                'suspended' => self::field(PARAM_BOOL, 'the account is'),
                'courseidnumber' => self::field(PARAM_RAW),
            ], 'by time of completion, then id'),
            'cursor' => self::field(PARAM_RAW, 'for the next page'),
            'more' => self::field(PARAM_BOOL),
            'now' => self::field(PARAM_INT),
        ]);
    }
}
