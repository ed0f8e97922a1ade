<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_multiple_structure;
use core_external\external_single_structure;
use local_rollbook\local\account_writer;
use local_rollbook\local\batch;
use local_rollbook\local\limits;

/**
 * Makes or changes accounts, each by itself.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class upsert_accounts extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        $fields = [
            // First: were the rest of a call cut off, a suspension would not become its contrary.
            'suspended' => self::maybe(PARAM_BOOL, 'suspend the account, or let it in again'),
            'key' => self::given(PARAM_RAW, '', 'names this change; a repeat gets the same answer'),
            'id' => self::given(PARAM_INT, 0, 'which account; 0: the one that has the ID number'),
            'create' => self::given(PARAM_BOOL, true, 'make it where there is none'),
            'update' => self::given(PARAM_BOOL, false, 'change what differs where there is one'),
            'createpassword' => self::given(PARAM_BOOL, false, 'for a method with passwords: Moodle makes one and mails it'),
        ];
        foreach (array_keys(account_writer::FIELDS) as $field) {
            $fields[$field] = self::maybe(PARAM_RAW, 'left out: as it is');
        }
        return self::parameters(['items' => self::rows($fields + ['note' => self::note()])]);
    }

    /**
     * Answers.
     *
     * @param array $items
     * @return array
     */
    public static function execute($items): array {
        $items = self::validate_parameters(self::execute_parameters(), ['items' => $items])['items'];
        self::enter('writeaccounts');
        return ['results' => batch::run('upsert_accounts', $items, limits::ACCOUNTS, static function (array $items): callable {
            $writer = new account_writer();
            $writer->prepare($items);
            return [$writer, 'write'];
        })];
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return self::results([
            'did' => self::maybe(PARAM_ALPHA, 'created, updated or empty'),
            'account' => new external_single_structure(self::account_fields(), 'as it is now', VALUE_OPTIONAL),
            'before' => new external_multiple_structure(new external_single_structure([
                'field' => self::field(PARAM_ALPHA),
                'value' => self::field(PARAM_RAW),
            ]), 'what was changed, as it was', VALUE_OPTIONAL),
            'differs' => new external_multiple_structure(self::field(PARAM_ALPHA), 'fields that were not changed', VALUE_OPTIONAL),
            'others' => new external_multiple_structure(self::field(PARAM_INT), 'accounts that are in the way', VALUE_OPTIONAL),
        ]);
    }
}
