<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\batch;
use local_rollbook\local\cohorts;
use local_rollbook\local\limits;

/**
 * Changes the members of cohorts, each cohort by itself.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class apply_cohort_members extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters(['items' => self::rows([
            'key' => self::given(PARAM_RAW, '', 'names this change; a repeat gets the same answer'),
            'cohortid' => self::field(PARAM_INT),
            'add' => self::given(PARAM_SEQUENCE, '', 'ids of accounts, with commas'),
            'remove' => self::given(PARAM_SEQUENCE, '', 'ids of accounts, with commas'),
            'lock' => self::maybe(PARAM_BOOL, 'whether people can change the cohort by hand no more; left out: as it is'),
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
        self::enter('cohorts');
        $changes = 0;
        foreach ($items as &$item) {
            $item['add'] = limits::ids($item['add'], limits::MEMBER_CHANGES);
            $item['remove'] = limits::ids($item['remove'], limits::MEMBER_CHANGES);
            $changes += count($item['add']) + count($item['remove']);
            if (array_intersect($item['add'], $item['remove'])) {
                throw new \invalid_parameter_exception('an account is to be added and removed');
            }
        }
        unset($item);
        limits::check($changes, limits::MEMBER_CHANGES);
        return ['results' => batch::run('apply_cohort_members', $items, limits::COHORTS, static function (array $items): callable {
            $cohorts = new cohorts();
            $cohorts->prepare($items);
            return [$cohorts, 'apply'];
        })];
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return self::results([
            'added' => self::maybe(PARAM_SEQUENCE, 'accounts that were added, with commas'),
            'removed' => self::maybe(PARAM_SEQUENCE, 'accounts that were removed, with commas'),
            'refused' => new \core_external\external_multiple_structure(new external_single_structure([
                'userid' => self::field(PARAM_INT),
                'code' => self::field(PARAM_ALPHANUMEXT, 'account_missing or account_deleted'),
            ]), 'accounts that cannot be added', VALUE_OPTIONAL),
            'count' => self::maybe(PARAM_INT, 'members now'),
            'digest' => self::maybe(PARAM_ALPHANUM, 'as of get_cohorts, now'),
        ]);
    }
}
