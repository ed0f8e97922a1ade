<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\accounts;
use local_rollbook\local\enrolments;
use local_rollbook\local\limits;
use local_rollbook\local\marks;
use local_rollbook\local\status;

/**
 * How people stand in courses.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class get_state extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters([
            'userids' => self::field(PARAM_SEQUENCE, 'ids of accounts, with commas'),
            'courseids' => self::given(PARAM_SEQUENCE, '', 'ids of courses, with commas; none: accounts alone'),
        ]);
    }

    /**
     * Answers.
     *
     * @param string $userids
     * @param string $courseids
     * @return array
     */
    public static function execute($userids, $courseids = ''): array {
        global $CFG, $DB;
        require_once($CFG->libdir . '/enrollib.php');
        $asked = self::validate_parameters(self::execute_parameters(), compact('userids', 'courseids'));
        self::enter('readpeople');
        $userids = limits::ids($asked['userids'], limits::STATE_USERS);
        $courseids = limits::ids($asked['courseids'], limits::STATE_COURSES);
        $users = accounts::by_id($userids);
        $userids = array_keys($users);
        $marks = marks::of('account', $userids);
        $rows = enrolments::of($userids, $courseids, limits::STATE_ROWS);
        limits::check(count($rows), limits::STATE_ROWS);
        $roles = enrolments::roles($userids, $courseids);
        $completions = [];
        foreach ($courseids ? array_chunk($userids, 1000) : [] as $some) {
            [$in, $one] = $DB->get_in_or_equal($some, SQL_PARAMS_NAMED, 'u');
            [$courses, $two] = $DB->get_in_or_equal($courseids, SQL_PARAMS_NAMED, 'c');
            $completions += $DB->get_records_select(
                'course_completions',
                "userid $in AND course $courses",
                $one + $two,
                'id',
                'id, userid, course, timeenrolled, timestarted, timecompleted, reaggregate',
                0,
                limits::STATE_ROWS + 1 - count($completions)
            );
            limits::check(count($completions), limits::STATE_ROWS);
        }
        status::count('get_state', count($userids));
        ksort($users);
        return [
            'accounts' => array_values(array_map(static function (\stdClass $user) use ($marks): array {
                return accounts::answer($user, $marks[$user->id] ?? null);
            }, $users)),
            'enrolments' => array_values(array_map(static function (\stdClass $row) use ($roles): array {
                return enrolments::answer($row, enrolments::roles_of($row, $roles));
            }, $rows)),
            'completions' => array_values(array_map(static function (\stdClass $row): array {
                return [
                    'id' => (int) $row->id,
                    'userid' => (int) $row->userid,
                    'courseid' => (int) $row->course,
                    'timeenrolled' => (int) $row->timeenrolled,
                    'timestarted' => (int) $row->timestarted,
                    'timecompleted' => (int) $row->timecompleted,
                    'pending' => $row->reaggregate > 0,
                ];
            }, $completions)),
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
            'accounts' => self::rows(self::account_fields(), 'those that were ever there, by id'),
            'enrolments' => self::rows(self::enrolment_fields(), 'all that there are, by whatever method, by id'),
            'completions' => self::rows([
                'id' => self::field(PARAM_INT),
                'userid' => self::field(PARAM_INT),
                'courseid' => self::field(PARAM_INT),
                'timeenrolled' => self::field(PARAM_INT, '0: none'),
                'timestarted' => self::field(PARAM_INT, '0: none'),
                'timecompleted' => self::field(PARAM_INT, '0: not completed'),
                'pending' => self::field(PARAM_BOOL, 'Moodle\'s cron has yet to look at it'),
            ]),
            'now' => self::field(PARAM_INT),
        ]);
    }
}
