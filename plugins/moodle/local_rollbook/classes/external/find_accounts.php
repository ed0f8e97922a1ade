<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\accounts;
use local_rollbook\local\limits;
use local_rollbook\local\marks;
use local_rollbook\local\status;

/**
 * Finds accounts by any of their names.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class find_accounts extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters([
            'ids' => self::given(PARAM_SEQUENCE, '', 'ids, with commas'),
            'idnumbers' => self::values(PARAM_RAW, 'ID numbers'),
            'emails' => self::values(PARAM_RAW, 'mail addresses'),
            'usernames' => self::values(PARAM_RAW, 'user names'),
        ]);
    }

    /**
     * Answers.
     *
     * @param string $ids
     * @param string[] $idnumbers
     * @param string[] $emails
     * @param string[] $usernames
     * @return array
     */
    public static function execute($ids = '', $idnumbers = [], $emails = [], $usernames = []): array {
        $asked = self::validate_parameters(self::execute_parameters(), compact('ids', 'idnumbers', 'emails', 'usernames'));
        self::enter('readpeople');
        $ids = limits::ids($asked['ids'], limits::FIND);
        $count = count($ids) + count($asked['idnumbers']) + count($asked['emails']) + count($asked['usernames']);
        limits::check($count, limits::FIND);
        $found = accounts::by_id($ids);
        foreach (['idnumber' => 'idnumbers', 'email' => 'emails', 'username' => 'usernames'] as $column => $name) {
            $found += accounts::by_value($column, $asked[$name]);
        }
        ksort($found);
        $marks = marks::of('account', array_keys($found));
        status::count('find_accounts', $count);
        return ['accounts' => array_values(array_map(static function (\stdClass $user) use ($marks): array {
            return accounts::answer($user, $marks[$user->id] ?? null);
        }, $found))];
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return new external_single_structure(['accounts' => self::rows(self::account_fields(), 'each once, by id')]);
    }
}
