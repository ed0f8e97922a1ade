<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\batch;
use local_rollbook\local\limits;
use local_rollbook\local\role_writer;

/**
 * Assigns and unassigns roles, each by itself.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class apply_roles extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters(['items' => self::rows([
            'action' => self::field(PARAM_ALPHA, 'assign or unassign'),
            'key' => self::given(PARAM_RAW, '', 'names this change; a repeat gets the same answer'),
            'userid' => self::field(PARAM_INT),
            'roleid' => self::field(PARAM_INT),
            'contextlevel' => self::field(PARAM_ALPHA, 'system, coursecat or course'),
            'instanceid' => self::given(PARAM_INT, 0, 'id of the category or course'),
            'itemid' => self::given(PARAM_INT, 0, 'why it is given, such as the id of a cohort'),
            'adopt' => self::given(PARAM_BOOL, false, 'also the same role given by hand: it becomes Rollbook\'s, or is taken away'),
        ])]);
    }

    /**
     * Answers.
     *
     * @param array $items
     * @return array
     */
    public static function execute($items): array {
        $items = self::validate_parameters(self::execute_parameters(), ['items' => $items])['items'];
        self::enter('roles');
        foreach ($items as $item) {
            if (!in_array($item['action'], ['assign', 'unassign'], true)) {
                throw new \invalid_parameter_exception('action');
            }
        }
        return ['results' => batch::run('apply_roles', $items, limits::ROLES, static function (array $items): callable {
            $writer = new role_writer();
            $writer->prepare($items);
            return [$writer, 'apply'];
        })];
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return self::results([
            'did' => self::maybe(PARAM_ALPHA, 'assigned, adopted, unassigned or empty'),
            'others' => self::maybe(PARAM_INT, 'how many others give the same role there'),
        ]);
    }
}
