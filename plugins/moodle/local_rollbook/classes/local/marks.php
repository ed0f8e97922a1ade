<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * What Rollbook owns and what it says about it. Moodle has no place for it on accounts, enrolments and cohorts.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class marks {
    /** Fields that Rollbook may say. */
    const SAID = ['link', 'says', 'did', 'story'];

    /**
     * Marks of things of one kind.
     *
     * @param string $kind account, enrolment or cohort
     * @param int[] $ids
     * @return array records by id of the thing
     */
    public static function of(string $kind, array $ids): array {
        global $DB;
        $marks = [];
        foreach (array_chunk($ids, 1000) as $some) {
            [$in, $params] = $DB->get_in_or_equal($some, SQL_PARAMS_NAMED);
            $sql = "kind = :kind AND instanceid $in";
            foreach ($DB->get_records_select('local_rollbook_mark', $sql, ['kind' => $kind] + $params) as $mark) {
                $marks[(int) $mark->instanceid] = $mark;
            }
        }
        return $marks;
    }

    /**
     * Writes a mark: what is given changes, the rest stays.
     *
     * @param \stdClass|null $mark the mark that there is
     * @param array $fields kind and instanceid at least
     * @return \stdClass the mark as it is now
     */
    public static function write(?\stdClass $mark, array $fields): \stdClass {
        global $DB;
        foreach (self::SAID as $field) {
            if (isset($fields[$field])) {
                $fields[$field] = \core_text::substr($fields[$field], 0, $field === 'link' ? 100 : 255);
            }
        }
        $now = time();
        if (!$mark) {
            $mark = (object) ($fields + [
                'userid' => 0, 'courseid' => 0, 'owned' => 0, 'made' => 0, 'link' => '', 'says' => '', 'did' => '', 'story' => '',
                'digest' => '', 'timecreated' => $now, 'timemodified' => $now,
            ]);
            $mark->id = $DB->insert_record('local_rollbook_mark', $mark);
            return $mark;
        }
        foreach ($fields + ['timemodified' => $now] as $name => $value) {
            $mark->$name = $value;
        }
        $DB->update_record('local_rollbook_mark', $mark);
        return $mark;
    }

    /**
     * What an item's note says, for a mark.
     *
     * @param array $item
     * @return array
     */
    public static function said(array $item): array {
        return array_intersect_key(array_filter($item['note'] ?? [], static function ($value): bool {
            return $value !== null;
        }), array_flip(self::SAID));
    }
}
