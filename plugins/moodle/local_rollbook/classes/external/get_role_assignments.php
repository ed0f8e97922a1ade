<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\limits;
use local_rollbook\local\role_writer;
use local_rollbook\local\status;

/**
 * Role assignments of a component.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class get_role_assignments extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters([
            'component' => self::given(PARAM_RAW_TRIMMED, 'local_rollbook', 'whose; empty: given by hand; *: anybody\'s'),
            'roleids' => self::given(PARAM_SEQUENCE, '', 'ids of roles, with commas; none: all'),
            'contextlevel' => self::given(PARAM_ALPHA, '', 'system, coursecat or course; empty: these three'),
            'after' => self::given(PARAM_INT, 0, 'cursor of the page before'),
            'limit' => self::given(PARAM_INT, 0, '0: as many as are allowed'),
        ]);
    }

    /**
     * Answers.
     *
     * @param string $component
     * @param string $roleids
     * @param string $contextlevel
     * @param int $after
     * @param int $limit
     * @return array
     */
    public static function execute(
        $component = 'local_rollbook',
        $roleids = '',
        $contextlevel = '',
        $after = 0,
        $limit = 0
    ): array {
        global $DB;
        $asked = self::validate_parameters(
            self::execute_parameters(),
            compact('component', 'roleids', 'contextlevel', 'after', 'limit')
        );
        self::enter('roles');
        $roleids = limits::ids($asked['roleids'], 500);
        $limit = limits::page($asked['limit'], limits::ROLE_ROWS);
        if ($asked['contextlevel'] !== '' && !isset(role_writer::LEVELS[$asked['contextlevel']])) {
            throw new \invalid_parameter_exception('contextlevel');
        }
        $levels = $asked['contextlevel'] === '' ? array_values(role_writer::LEVELS) : [role_writer::LEVELS[$asked['contextlevel']]];
        [$in, $params] = $DB->get_in_or_equal($levels, SQL_PARAMS_NAMED, 'l');
        $where = "ra.id > :after AND x.contextlevel $in";
        $params['after'] = $asked['after'];
        if ($asked['component'] !== '*') {
            $where .= ' AND ra.component = :component';
            $params['component'] = $asked['component'];
        }
        if ($roleids) {
            [$in, $some] = $DB->get_in_or_equal($roleids, SQL_PARAMS_NAMED, 'r');
            $where .= " AND ra.roleid $in";
            $params += $some;
        }
        $sql = "SELECT ra.id, ra.userid, ra.roleid, ra.contextid, x.contextlevel, x.instanceid, ra.component, ra.itemid,
                       ra.timemodified
                  FROM {role_assignments} ra JOIN {context} x ON x.id = ra.contextid
                 WHERE $where
              ORDER BY ra.id";
        $rows = $DB->get_records_sql($sql, $params, 0, $limit + 1);
        $more = count($rows) > $limit;
        $rows = array_slice($rows, 0, $limit, true);
        $names = array_flip(role_writer::LEVELS);
        status::count('get_role_assignments', count($rows));
        return [
            'assignments' => array_values(array_map(static function (\stdClass $row) use ($names): array {
                $row->contextlevel = $names[(int) $row->contextlevel];
                $row->instanceid = $row->contextlevel === 'system' ? 0 : (int) $row->instanceid;
                return (array) $row;
            }, $rows)),
            'cursor' => $rows ? (int) end($rows)->id : $asked['after'],
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
            'assignments' => self::rows([
                'id' => self::field(PARAM_INT),
                'userid' => self::field(PARAM_INT),
                'roleid' => self::field(PARAM_INT),
                'contextid' => self::field(PARAM_INT),
                'contextlevel' => self::field(PARAM_ALPHA, 'system, coursecat or course'),
                'instanceid' => self::field(PARAM_INT, '0 for the system'),
                'component' => self::field(PARAM_RAW),
                'itemid' => self::field(PARAM_INT),
                'timemodified' => self::field(PARAM_INT),
            ], 'by id'),
            'cursor' => self::field(PARAM_INT),
            'more' => self::field(PARAM_BOOL),
        ]);
    }
}
