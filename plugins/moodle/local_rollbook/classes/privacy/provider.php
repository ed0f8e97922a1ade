<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\privacy;

use core_privacy\local\metadata\collection;
use core_privacy\local\request\approved_contextlist;
use core_privacy\local\request\approved_userlist;
use core_privacy\local\request\contextlist;
use core_privacy\local\request\transform;
use core_privacy\local\request\userlist;
use core_privacy\local\request\writer;

/**
 * What the plugin keeps of people, and what it sends away.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class provider implements
    \core_privacy\local\metadata\provider,
    \core_privacy\local\request\core_userlist_provider,
    \core_privacy\local\request\plugin\provider {
    /** Tables with people in them; all belong to the person's own context. */
    const TABLES = ['local_rollbook_mark', 'local_rollbook_change'];

    /**
     * Says what is kept.
     *
     * @param collection $collection
     * @return collection
     */
    public static function get_metadata(collection $collection): collection {
        $collection->add_database_table('local_rollbook_mark', [
            'userid' => 'privacy:mark:userid',
            'courseid' => 'privacy:mark:courseid',
            'link' => 'privacy:mark:link',
            'says' => 'privacy:mark:says',
            'did' => 'privacy:mark:did',
            'story' => 'privacy:mark:story',
            'timemodified' => 'privacy:mark:timemodified',
        ], 'privacy:mark');
        $collection->add_database_table('local_rollbook_change', [
            'kind' => 'privacy:change:kind',
            'what' => 'privacy:change:what',
            'userid' => 'privacy:change:userid',
            'courseid' => 'privacy:change:courseid',
            'timecreated' => 'privacy:change:timecreated',
        ], 'privacy:change');
        $collection->add_database_table('local_rollbook_key', [
            'result' => 'privacy:key:result',
            'timecreated' => 'privacy:key:timecreated',
        ], 'privacy:key');
        $collection->add_external_location_link('rollbook', [
            'userid' => 'privacy:rollbook:userid',
            'account' => 'privacy:rollbook:account',
            'enrolments' => 'privacy:rollbook:enrolments',
            'completions' => 'privacy:rollbook:completions',
            'memberships' => 'privacy:rollbook:memberships',
        ], 'privacy:rollbook');
        return $collection;
    }

    /**
     * Where something of a person is kept.
     *
     * @param int $userid
     * @return contextlist
     */
    public static function get_contexts_for_userid(int $userid): contextlist {
        global $DB;
        $list = new contextlist();
        foreach (self::TABLES as $table) {
            if ($DB->record_exists($table, ['userid' => $userid])) {
                $list->add_user_context($userid);
            }
        }
        return $list;
    }

    /**
     * Of whom something is kept in a context.
     *
     * @param userlist $userlist
     */
    public static function get_users_in_context(userlist $userlist) {
        $context = $userlist->get_context();
        if ($context instanceof \context_user) {
            foreach (self::TABLES as $table) {
                $userlist->add_from_sql('userid', "SELECT userid FROM {{$table}} WHERE userid = :userid", [
                    'userid' => $context->instanceid,
                ]);
            }
        }
    }

    /**
     * Gives a person what is kept of them.
     *
     * @param approved_contextlist $contextlist
     */
    public static function export_user_data(approved_contextlist $contextlist) {
        global $DB;
        foreach ($contextlist->get_contexts() as $context) {
            if (!$context instanceof \context_user) {
                continue;
            }
            $data = ['marks' => [], 'changes' => []];
            foreach ($DB->get_records('local_rollbook_mark', ['userid' => $context->instanceid], 'id') as $mark) {
                $data['marks'][] = (object) [
                    'kind' => $mark->kind, 'courseid' => (int) $mark->courseid, 'link' => $mark->link, 'says' => $mark->says,
                    'did' => $mark->did, 'story' => $mark->story, 'timemodified' => transform::datetime($mark->timemodified),
                ];
            }
            foreach ($DB->get_records('local_rollbook_change', ['userid' => $context->instanceid], 'id') as $change) {
                $data['changes'][] = (object) [
                    'kind' => $change->kind, 'what' => $change->what, 'courseid' => (int) $change->courseid,
                    'timecreated' => transform::datetime($change->timecreated),
                ];
            }
            writer::with_context($context)->export_data([get_string('pluginname', 'local_rollbook')], (object) $data);
        }
    }

    /**
     * Forgets everybody of a context.
     *
     * @param \context $context
     */
    public static function delete_data_for_all_users_in_context(\context $context) {
        if ($context instanceof \context_user) {
            self::forget((int) $context->instanceid);
        }
    }

    /**
     * Forgets a person.
     *
     * @param approved_contextlist $contextlist
     */
    public static function delete_data_for_user(approved_contextlist $contextlist) {
        foreach ($contextlist->get_contexts() as $context) {
            self::delete_data_for_all_users_in_context($context);
        }
    }

    /**
     * Forgets people of a context.
     *
     * @param approved_userlist $userlist
     */
    public static function delete_data_for_users(approved_userlist $userlist) {
        self::delete_data_for_all_users_in_context($userlist->get_context());
    }

    /**
     * Forgets a person.
     *
     * @param int $userid
     */
    private static function forget(int $userid): void {
        global $DB;
        foreach (self::TABLES as $table) {
            $DB->delete_records($table, ['userid' => $userid]);
        }
        // Answers that were kept for a repeat name people; a repeat is then looked at anew, which changes nothing twice.
        $sql = $DB->sql_like('result', ':one') . ' OR ' . $DB->sql_like('result', ':two');
        $DB->delete_records_select('local_rollbook_key', $sql, [
            'one' => '%"account":{"id":' . $userid . ',%', 'two' => '%"userid":' . $userid . ',%',
        ]);
    }
}
