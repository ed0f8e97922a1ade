<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

use core_external\external_single_structure;
use local_rollbook\local\cohorts;
use local_rollbook\local\limits;
use local_rollbook\local\marks;
use local_rollbook\local\status;

/**
 * Cohorts, with as much about their members as is asked for.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class get_cohorts extends base {
    /**
     * Parameters.
     *
     * @return \core_external\external_function_parameters
     */
    public static function execute_parameters() {
        return self::parameters([
            'ids' => self::given(PARAM_SEQUENCE, '', 'ids of cohorts, with commas; none: all that have an ID number, by page'),
            'members' => self::given(PARAM_ALPHA, 'digest', 'none, digest or list'),
            'after' => self::given(PARAM_INT, 0, 'cursor of the page before'),
            'limit' => self::given(PARAM_INT, 0, '0: as many as are allowed'),
        ]);
    }

    /**
     * Answers.
     *
     * @param string $ids
     * @param string $members
     * @param int $after
     * @param int $limit
     * @return array
     */
    public static function execute($ids = '', $members = 'digest', $after = 0, $limit = 0): array {
        global $DB;
        $asked = self::validate_parameters(self::execute_parameters(), compact('ids', 'members', 'after', 'limit'));
        self::enter('cohorts');
        if (!in_array($asked['members'], ['none', 'digest', 'list'], true)) {
            throw new \invalid_parameter_exception('members');
        }
        $ids = limits::ids($asked['ids'], limits::COHORTS);
        $limit = limits::page($asked['limit'], limits::COHORTS);
        $where = 'h.id > :after';
        $params = ['after' => $asked['after']];
        if ($ids) {
            [$in, $some] = $DB->get_in_or_equal($ids, SQL_PARAMS_NAMED);
            $where .= " AND h.id $in";
            $params += $some;
        } else {
            $where .= " AND h.idnumber <> ''";
        }
        $sql = "SELECT h.id, h.idnumber, h.name, h.visible, h.component, h.contextid, h.timemodified, x.contextlevel, x.instanceid
                  FROM {cohort} h JOIN {context} x ON x.id = h.contextid
                 WHERE $where ORDER BY h.id";
        $found = $DB->get_records_sql($sql, $params, 0, $limit + 1);
        $more = count($found) > $limit;
        $found = array_slice($found, 0, $limit, true);
        $marks = marks::of('cohort', array_keys($found));
        $answers = [];
        $unseen = [];
        $cursor = $asked['after'];
        $listed = 0;
        // By hundreds, so that no more members are in memory than are answered.
        foreach (array_chunk($found, 100, true) as $some) {
            $in = $asked['members'] === 'none' ? [] : cohorts::members(array_keys($some));
            foreach ($some as $id => $cohort) {
                $cursor = (int) $id;
                $context = \context::instance_by_id($cohort->contextid);
                if (!has_any_capability(['moodle/cohort:view', 'moodle/cohort:manage'], $context)) {
                    $unseen[] = $cursor;
                    continue;
                }
                $listed += $asked['members'] === 'list' ? count($in[$id]) : 0;
                $answers[] = self::answer($cohort, $marks[$id] ?? null, $in[$id] ?? null, $asked['members']);
                if ($listed > limits::MEMBERS) {
                    $more = $more || $id !== array_key_last($found);
                    break 2;
                }
            }
        }
        status::count('get_cohorts', count($answers));
        return ['cohorts' => $answers, 'unseen' => implode(',', $unseen), 'cursor' => $cursor, 'more' => $more];
    }

    /**
     * A cohort as it is answered.
     *
     * @param \stdClass $cohort
     * @param \stdClass|null $mark
     * @param int[]|null $in
     * @param string $how
     * @return array
     */
    private static function answer(\stdClass $cohort, ?\stdClass $mark, ?array $in, string $how): array {
        $answer = [
            'id' => (int) $cohort->id,
            'idnumber' => (string) $cohort->idnumber,
            'name' => $cohort->name,
            'visible' => (bool) $cohort->visible,
            'component' => (string) $cohort->component,
            'contextlevel' => (int) $cohort->contextlevel === CONTEXT_SYSTEM ? 'system' : 'coursecat',
            'instanceid' => (int) $cohort->contextlevel === CONTEXT_SYSTEM ? 0 : (int) $cohort->instanceid,
            'timemodified' => (int) $cohort->timemodified,
            'owned' => $mark && $mark->owned,
            'lastsync' => $mark ? (int) $mark->timemodified : 0,
        ];
        if ($how !== 'none') {
            $answer += ['count' => count($in), 'digest' => cohorts::digest($in)];
        }
        if ($how === 'list') {
            $answer['members'] = implode(',', $in);
        }
        return $answer;
    }

    /**
     * The answer.
     *
     * @return external_single_structure
     */
    public static function execute_returns() {
        return new external_single_structure([
            'cohorts' => self::rows([
                'id' => self::field(PARAM_INT),
                'idnumber' => self::field(PARAM_RAW),
                'name' => self::field(PARAM_RAW),
                'visible' => self::field(PARAM_BOOL),
                'component' => self::field(PARAM_RAW),
                'contextlevel' => self::field(PARAM_ALPHA, 'system or coursecat'),
                'instanceid' => self::field(PARAM_INT, '0 for the system'),
                'timemodified' => self::field(PARAM_INT),
                'owned' => self::field(PARAM_BOOL, 'Rollbook\'s'),
                'lastsync' => self::field(PARAM_INT, '0: never'),
                'count' => self::maybe(PARAM_INT, 'of members'),
                'digest' => self::maybe(PARAM_ALPHANUM, 'SHA-256 of the members\' ids, ascending, with commas between'),
                'members' => self::maybe(PARAM_RAW, 'ids of accounts, ascending, with commas between'),
            ], 'by id'),
            'unseen' => self::field(PARAM_SEQUENCE, 'ids of those that are there and that the caller may not see'),
            'cursor' => self::field(PARAM_INT),
            'more' => self::field(PARAM_BOOL),
        ]);
    }
}
