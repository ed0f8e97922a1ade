<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_multiple_structure;
use core_external\external_single_structure;
use local_rollbook\local\batch;
use local_rollbook\local\enrolment_writer;
use local_rollbook\local\limits;

/**
 * Changes manual enrolments, each by itself.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class apply_enrolments extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters(['items' => self::rows([
            'action' => self::field(PARAM_ALPHA, 'enrol, suspend or unenrol'),
            'key' => self::given(PARAM_RAW, '', 'names this change; a repeat gets the same answer'),
            'userid' => self::field(PARAM_INT),
            'courseid' => self::field(PARAM_INT),
            'enrolmentid' => self::given(PARAM_INT, 0, 'this enrolment and no other; 0: ours, else the first manual one'),
            'roleid' => self::given(PARAM_INT, 0, 'enrol: 0 is the method\'s default for a new one, and no change for another'),
            'timestart' => self::maybe(PARAM_INT, '0: none; left out: as it is, or as the site has it for a new one'),
            'timeend' => self::maybe(PARAM_INT, '0: none; left out: as it is, or the method\'s duration for a new one'),
            'adopt' => self::given(PARAM_BOOL, false, 'also one that Rollbook did not make; it is Rollbook\'s from then on'),
            'welcome' => self::given(PARAM_BOOL, true, 'a new one: whether Moodle may mail a welcome, if the method does'),
            'note' => self::note(),
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
        self::enter('enrol');
        foreach ($items as $item) {
            if (!in_array($item['action'], ['enrol', 'suspend', 'unenrol'], true)) {
                throw new \invalid_parameter_exception('action');
            }
        }
        return ['results' => batch::run('apply_enrolments', $items, limits::ENROLMENTS, static function (array $items): callable {
            $writer = new enrolment_writer();
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
            'did' => self::maybe(PARAM_RAW, 'enrolled, reactivated, suspended, dates_changed, role_added, adopted or unenrolled'),
            'login' => self::maybe(PARAM_ALPHANUMEXT, 'whether the person can sign in; as of accounts'),
            'active' => self::maybe(PARAM_BOOL, 'whether the person is let into the course now, by whatever method'),
            'activeby' => new external_multiple_structure(self::field(PARAM_RAW), 'by which methods', VALUE_OPTIONAL),
            'enrolment' => new external_single_structure(self::enrolment_fields(), 'the one looked at, now', VALUE_OPTIONAL),
            'before' => new external_single_structure(self::enrolment_fields(), 'the same before', VALUE_OPTIONAL),
        ]);
    }
}
