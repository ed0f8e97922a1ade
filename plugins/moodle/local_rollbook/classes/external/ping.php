<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\limits;
use local_rollbook\local\setup;
use local_rollbook\local\status;

/**
 * Says the version, the limits, what the caller may do and what waits.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class ping extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters([]);
    }

    /**
     * Answers.
     *
     * @return array
     */
    public static function execute(): array {
        global $CFG;
        $context = self::enter('use');
        $capabilities = [];
        foreach (array_merge(...array_values(setup::CAPABILITIES)) as $capability) {
            if (get_capability_info($capability)) {
                $capabilities[] = ['name' => $capability, 'has' => has_capability($capability, $context)];
            }
        }
        $limits = [];
        foreach (limits::all() as $name => $value) {
            $limits[] = ['name' => $name, 'value' => $value];
        }
        $waiting = status::waiting();
        status::count('ping');
        return [
            'version' => (int) get_config('local_rollbook', 'version'),
            'release' => \core_plugin_manager::instance()->get_plugin_info('local_rollbook')->release,
            'protocol' => setup::PROTOCOL,
            'moodle' => (string) $CFG->version,
            'site' => $CFG->wwwroot,
            'now' => time(),
            'limits' => $limits,
            'capabilities' => $capabilities,
            'extendedusernamechars' => !empty($CFG->extendedusernamechars),
            'allowaccountssameemail' => !empty($CFG->allowaccountssameemail),
            'manualenabled' => enrol_is_enabled('manual'),
            'events' => setup::events_on(),
            'waiting' => $waiting['count'],
            'oldest' => $waiting['oldest'],
            'lastsent' => (int) get_config('local_rollbook', 'lastsent'),
            'senderror' => (string) get_config('local_rollbook', 'senderror'),
        ];
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return new external_single_structure([
            'version' => self::field(PARAM_INT, 'of the plugin'),
            'release' => self::field(PARAM_RAW, 'of the plugin'),
            'protocol' => self::field(PARAM_INT, 'grows when a client must be changed'),
            'moodle' => self::field(PARAM_RAW, 'version of Moodle'),
            'site' => self::field(PARAM_RAW, 'wwwroot'),
            'now' => self::field(PARAM_INT),
            'limits' => self::rows(['name' => self::field(PARAM_RAW), 'value' => self::field(PARAM_INT)]),
            'capabilities' => self::rows(['name' => self::field(PARAM_RAW), 'has' => self::field(PARAM_BOOL)]),
            'extendedusernamechars' => self::field(PARAM_BOOL),
            'allowaccountssameemail' => self::field(PARAM_BOOL),
            'manualenabled' => self::field(PARAM_BOOL),
            'events' => self::field(PARAM_BOOL, 'whether changes are sent'),
            'waiting' => self::field(PARAM_INT, 'changes not sent yet'),
            'oldest' => self::field(PARAM_INT, 'when the oldest of them was; 0: none'),
            'lastsent' => self::field(PARAM_INT, '0: never'),
            'senderror' => self::field(PARAM_RAW, 'why sending fails now'),
        ]);
    }
}
