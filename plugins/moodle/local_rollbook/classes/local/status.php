<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Whether Rollbook was here, and what it did: for the administrators' page and for ping.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class status {
    /**
     * Counts a call.
     *
     * @param string $function name of the function
     * @param int $items how many items it had
     * @param int $failed how many of them failed
     */
    public static function count(string $function, int $items = 0, int $failed = 0): void {
        global $DB;
        $sql = 'UPDATE {local_rollbook_call} SET calls = calls + 1, items = items + :items, failed = failed + :failed,
                timelast = :now WHERE func = :func';
        $values = ['func' => $function, 'items' => $items, 'failed' => $failed];
        if (!$DB->record_exists('local_rollbook_call', ['func' => $function])) {
            try {
                $DB->insert_record('local_rollbook_call', (object) ($values + ['calls' => 1, 'timelast' => time()]), false);
                return;
            } catch (\dml_write_exception $error) {
                // Another call was first.
                unset($error);
            }
        }
        $DB->execute($sql, $values + ['now' => time()]);
    }

    /**
     * When Rollbook called last.
     *
     * @return int 0: never
     */
    public static function last_call(): int {
        global $DB;
        return (int) $DB->get_field_sql('SELECT MAX(timelast) FROM {local_rollbook_call}');
    }

    /**
     * What waits to be sent.
     *
     * @return array count, and the time of the oldest
     */
    public static function waiting(): array {
        global $DB;
        $sql = 'SELECT COUNT(*) AS waiting, MIN(timecreated) AS oldest FROM {local_rollbook_change} WHERE timesent = 0';
        $row = $DB->get_record_sql($sql);
        return ['count' => (int) $row->waiting, 'oldest' => (int) $row->oldest];
    }
}
