<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Cohorts and who is in them.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class cohorts {
    /** Whose a cohort is that people cannot edit by hand. */
    const COMPONENT = 'local_rollbook';

    /** @var \stdClass[] cohorts by id */
    private $cohorts = [];
    /** @var \stdClass[] marks by cohort */
    private $marks = [];
    /** @var \stdClass[] accounts by id */
    private $users = [];

    /**
     * A digest of members: equal when the same accounts are in, whatever the order. Rollbook computes it too.
     *
     * @param int[] $userids ascending
     * @return string the SHA-256 of the ids with commas between them
     */
    public static function digest(array $userids): string {
        return hash('sha256', implode(',', $userids));
    }

    /**
     * The members of cohorts.
     *
     * @param int[] $ids
     * @return array ids of accounts, ascending, by cohort
     */
    public static function members(array $ids): array {
        global $DB;
        $members = array_fill_keys($ids, []);
        foreach (array_chunk($ids, 1000) as $some) {
            [$in, $params] = $DB->get_in_or_equal($some);
            $sql = "cohortid $in";
            $rows = $DB->get_recordset_select('cohort_members', $sql, $params, 'cohortid, userid', 'cohortid, userid');
            foreach ($rows as $row) {
                $members[(int) $row->cohortid][] = (int) $row->userid;
            }
            $rows->close();
        }
        return $members;
    }

    /**
     * Looks up what the items are about.
     *
     * @param array $items each with ids of accounts to add and remove
     */
    public function prepare(array $items): void {
        global $DB, $CFG;
        require_once($CFG->dirroot . '/cohort/lib.php');
        $ids = array_values(array_unique(array_column($items, 'cohortid')));
        foreach (array_chunk($ids, 500) as $some) {
            $this->cohorts += $DB->get_records_list('cohort', 'id', $some);
        }
        $this->marks = marks::of('cohort', $ids);
        $this->users = accounts::by_id(array_merge([], ...array_column($items, 'add')));
    }

    /**
     * Changes the members of one cohort.
     *
     * @param array $item
     * @return array status and fields of the result
     */
    public function apply(array $item): array {
        global $DB;
        $id = $item['cohortid'];
        $cohort = $this->cohorts[$id] ?? null;
        if (!$cohort) {
            throw new refusal('cohort_missing', "cohort $id");
        }
        if (!in_array((string) $cohort->component, ['', self::COMPONENT], true)) {
            throw new refusal('not_owned', "the cohort belongs to $cohort->component");
        }
        $context = \context::instance_by_id($cohort->contextid);
        if (!has_any_capability(['moodle/cohort:assign', 'moodle/cohort:manage'], $context)) {
            throw new refusal('no_permission', 'moodle/cohort:assign');
        }
        $members = array_flip(self::members([$id])[$id]);
        $failed = [];
        $added = [];
        foreach ($item['add'] as $userid) {
            $user = $this->users[$userid] ?? null;
            if (!$user || $user->deleted) {
                $failed[] = ['userid' => $userid, 'code' => $user ? 'account_deleted' : 'account_missing'];
            } else if (!isset($members[$userid])) {
                cohort_add_member($id, $userid);
                $members[$userid] = true;
                $added[] = $userid;
            }
        }
        $removed = [];
        foreach ($item['remove'] as $userid) {
            // Also rows of accounts that are gone.
            if (isset($members[$userid])) {
                cohort_remove_member($id, $userid);
                unset($members[$userid]);
                $removed[] = $userid;
            }
        }
        $component = isset($item['lock']) ? ($item['lock'] ? self::COMPONENT : '') : $cohort->component;
        $locks = $component !== $cohort->component;
        if ($locks) {
            require_capability('moodle/cohort:manage', $context);
            $DB->set_field('cohort', 'component', $component, ['id' => $id]);
            $cohort->component = $component;
        }
        $did = $added || $removed ? 'added ' . count($added) . ', removed ' . count($removed) : null;
        $fields = marks::said($item) + ['kind' => 'cohort', 'instanceid' => $id, 'owned' => 1] + ($did ? ['did' => $did] : []);
        $this->marks[$id] = marks::write($this->marks[$id] ?? null, $fields);
        $now = array_keys($members);
        sort($now);
        return [$added || $removed || $locks ? 'done' : 'unchanged', [
            'added' => implode(',', $added), 'removed' => implode(',', $removed), 'refused' => $failed,
            'count' => count($now), 'digest' => self::digest($now),
        ]];
    }
}
