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
use local_rollbook\local\notes;

/**
 * Says on accounts, enrolments and cohorts what the source says and what Rollbook did; nothing in Moodle changes.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class set_notes extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters(['items' => self::rows([
            'key' => self::given(PARAM_RAW, '', 'only to tell the results apart: notes may be repeated'),
            'kind' => self::field(PARAM_ALPHA, 'account, enrolment or cohort'),
            'userid' => self::given(PARAM_INT, 0, 'of an account or enrolment'),
            'courseid' => self::given(PARAM_INT, 0, 'of an enrolment'),
            'cohortid' => self::given(PARAM_INT, 0, 'of a cohort'),
            'link' => self::maybe(PARAM_RAW, 'Rollbook\'s link'),
            'says' => self::maybe(PARAM_RAW, 'what the source says'),
            'did' => self::maybe(PARAM_RAW, 'what Rollbook did'),
            'story' => self::maybe(PARAM_RAW_TRIMMED, 'path of the story in Rollbook'),
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
        self::enter('use');
        return ['results' => batch::run('set_notes', $items, limits::NOTES, static function (array $items): callable {
            $notes = new notes();
            $notes->prepare($items);
            return [$notes, 'set'];
        })];
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return self::results([]);
    }
}
