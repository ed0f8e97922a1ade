<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Notes on accounts, enrolments and cohorts, without any other change.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class notes {
    /** @var array ids of things that are there, by kind and name */
    private $things = ['account' => [], 'enrolment' => [], 'cohort' => []];
    /** @var array marks by kind and id */
    private $marks = [];

    /**
     * Looks up what the items are about.
     *
     * @param array $items
     */
    public function prepare(array $items): void {
        global $DB;
        $userids = array_values(array_unique(array_column($items, 'userid')));
        foreach (accounts::by_id($userids) as $id => $user) {
            if (!$user->deleted) {
                $this->things['account'][$id] = (int) $id;
            }
        }
        foreach (enrolments::of($userids, array_values(array_unique(array_filter(array_column($items, 'courseid'))))) as $row) {
            $name = "$row->userid:$row->courseid";
            // Ours, else the first manual one.
            if ($row->enrol === 'manual' && (!isset($this->things['enrolment'][$name]) || $row->owned)) {
                $this->things['enrolment'][$name] = (int) $row->id;
            }
        }
        foreach (array_chunk(array_unique(array_filter(array_column($items, 'cohortid'))), 500) as $some) {
            foreach ($DB->get_records_list('cohort', 'id', $some, '', 'id') as $id => $cohort) {
                $this->things['cohort'][$id] = (int) $id;
            }
        }
        foreach ($this->things as $kind => $ids) {
            $this->marks[$kind] = marks::of($kind, array_values($ids));
        }
    }

    /**
     * Writes one note.
     *
     * @param array $item
     * @return array status and fields of the result
     */
    public function set(array $item): array {
        $names = [
            'account' => $item['userid'], 'enrolment' => "{$item['userid']}:{$item['courseid']}", 'cohort' => $item['cohortid'],
        ];
        $kind = $item['kind'];
        if (!isset($names[$kind])) {
            throw new refusal('invalid_kind', 'account, enrolment or cohort');
        }
        $id = $this->things[$kind][$names[$kind]] ?? 0;
        if (!$id) {
            throw new refusal("{$kind}_missing", "there is no such $kind");
        }
        $fields = marks::said(['note' => $item]) + [
            'kind' => $kind, 'instanceid' => $id, 'userid' => $kind === 'cohort' ? 0 : $item['userid'],
            'courseid' => $kind === 'enrolment' ? $item['courseid'] : 0,
        ];
        $this->marks[$kind][$id] = marks::write($this->marks[$kind][$id] ?? null, $fields);
        return ['unchanged', []];
    }
}
