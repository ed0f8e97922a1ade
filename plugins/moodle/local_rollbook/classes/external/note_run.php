<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\status;

/**
 * Tells of a run of Rollbook, for the administrators' page.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class note_run extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters([
            'runid' => self::field(PARAM_ALPHANUMEXT, 'names the run; told again, it is replaced'),
            'link' => self::field(PARAM_RAW),
            'flow' => self::field(PARAM_ALPHANUMEXT, 'intake, completions or guilds'),
            'state' => self::field(PARAM_ALPHANUMEXT, 'running, done, partial, refused or failed'),
            'timebegan' => self::field(PARAM_INT),
            'timeended' => self::given(PARAM_INT, 0, '0: not yet'),
            'done' => self::given(PARAM_INT, 0),
            'failed' => self::given(PARAM_INT, 0),
            'waiting' => self::given(PARAM_INT, 0),
            'message' => self::given(PARAM_RAW, ''),
            'story' => self::given(PARAM_RAW_TRIMMED, '', 'path of the run in Rollbook'),
        ]);
    }

    /**
     * Answers.
     *
     * @param string $runid
     * @param string $link
     * @param string $flow
     * @param string $state
     * @param int $timebegan
     * @param int $timeended
     * @param int $done
     * @param int $failed
     * @param int $waiting
     * @param string $message
     * @param string $story
     * @return array
     */
    public static function execute(
        $runid,
        $link,
        $flow,
        $state,
        $timebegan,
        $timeended = 0,
        $done = 0,
        $failed = 0,
        $waiting = 0,
        $message = '',
        $story = ''
    ): array {
        global $DB;
        $run = self::validate_parameters(self::execute_parameters(), compact(
            'runid',
            'link',
            'flow',
            'state',
            'timebegan',
            'timeended',
            'done',
            'failed',
            'waiting',
            'message',
            'story'
        ));
        self::enter('use');
        $lengths = ['runid' => 64, 'link' => 100, 'flow' => 20, 'state' => 20, 'message' => 255, 'story' => 255];
        foreach ($lengths as $field => $length) {
            $run[$field] = \core_text::substr($run[$field], 0, $length);
        }
        $id = $DB->get_field('local_rollbook_run', 'id', ['runid' => $run['runid']]);
        if ($id) {
            $DB->update_record('local_rollbook_run', (object) (['id' => $id] + $run));
        } else {
            $DB->insert_record('local_rollbook_run', (object) $run);
        }
        status::count('note_run');
        return ['noted' => true];
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return new external_single_structure(['noted' => self::field(PARAM_BOOL)]);
    }
}
