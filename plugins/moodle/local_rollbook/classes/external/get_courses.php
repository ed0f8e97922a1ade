<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\courses;
use local_rollbook\local\limits;
use local_rollbook\local\status;

/**
 * Courses with what Rollbook needs to know of them.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class get_courses extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters([
            'idnumbers' => self::values(PARAM_RAW, 'ID numbers'),
            'ids' => self::given(PARAM_SEQUENCE, '', 'ids, with commas'),
            'field' => self::given(PARAM_ALPHANUMEXT, '', 'short name of a course field to be told'),
            'after' => self::given(PARAM_INT, 0, 'with neither idnumbers nor ids: courses with an ID number, after this id'),
            'limit' => self::given(PARAM_INT, 0, '0: as many as are allowed'),
        ]);
    }

    /**
     * Answers.
     *
     * @param string[] $idnumbers
     * @param string $ids
     * @param string $field
     * @param int $after
     * @param int $limit
     * @return array
     */
    public static function execute($idnumbers = [], $ids = '', $field = '', $after = 0, $limit = 0): array {
        $asked = self::validate_parameters(
            self::execute_parameters(),
            compact('idnumbers', 'ids', 'field', 'after', 'limit')
        );
        self::enter('readpeople');
        limits::check(count($asked['idnumbers']), limits::COURSES);
        $ids = limits::ids($asked['ids'], limits::COURSES);
        $limit = limits::page($asked['limit'], limits::COURSES);
        if ($ids || $asked['idnumbers']) {
            $found = courses::of($ids, $asked['idnumbers']);
            $more = false;
        } else {
            $found = courses::page($asked['after'], $limit + 1);
            $more = count($found) > $limit;
            $found = array_slice($found, 0, $limit, true);
        }
        status::count('get_courses', count($found));
        return [
            'courses' => courses::answer($found, $asked['field']),
            'cursor' => $found ? (int) end($found)->id : $asked['after'],
            'more' => $more,
        ];
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return new external_single_structure([
            'courses' => self::rows([
                'id' => self::field(PARAM_INT),
                'idnumber' => self::field(PARAM_RAW),
                'shortname' => self::field(PARAM_RAW),
                'fullname' => self::field(PARAM_RAW),
                'visible' => self::field(PARAM_BOOL),
                'startdate' => self::field(PARAM_INT),
                'enddate' => self::field(PARAM_INT),
                'completion' => self::field(PARAM_BOOL, 'completion is tracked, on the site and in the course'),
                'criteria' => self::field(PARAM_INT, 'how many completion criteria it has'),
                'fieldvalue' => self::field(PARAM_RAW, 'the course field as stored, or its default; empty where there is none'),
                'enrolid' => self::field(PARAM_INT, 'the manual method that is used; 0: none is enabled'),
                'roleid' => self::field(PARAM_INT, 'its default role'),
                'enrolperiod' => self::field(PARAM_INT, 'its duration in seconds; 0: none'),
                'welcome' => self::field(PARAM_BOOL, 'whether Moodle mails a welcome by it'),
                'assignable' => self::field(PARAM_BOOL, 'whether the caller may give that role there'),
            ], 'by id'),
            'cursor' => self::field(PARAM_INT),
            'more' => self::field(PARAM_BOOL),
        ]);
    }
}
