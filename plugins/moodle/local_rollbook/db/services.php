<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * Web service functions, and the service that has them beside the core functions that Rollbook uses.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$functions = [];
// Name => [what it does, read or write, capabilities].
foreach ([
    'ping' => ['Says the version, the limits, what the caller may do and what waits', 'read', 'local/rollbook:use'],
    'find_accounts' => ['Finds accounts by id, ID number, mail address and user name', 'read', 'local/rollbook:readpeople'],
    'get_courses' => ['Courses by ID number or id, with their manual enrolment method', 'read', 'local/rollbook:readpeople'],
    'get_state' => ['How people stand in courses: accounts, enrolments, completions', 'read', 'local/rollbook:readpeople'],
    'get_completions' => ['Course completions since a moment, by page', 'read', 'local/rollbook:readpeople'],
    'get_changes' => ['Changes by others since a cursor, by page', 'read', 'local/rollbook:readpeople'],
    'get_role_assignments' => ['Role assignments of a component, by page', 'read', 'local/rollbook:roles'],
    'get_cohorts' => ['Cohorts with the count, digest or list of their members', 'read', 'local/rollbook:cohorts'],
    'upsert_accounts' => [
        'Makes or changes accounts, each by itself', 'write',
        'local/rollbook:writeaccounts, moodle/user:create, moodle/user:update',
    ],
    'apply_enrolments' => [
        'Enrols, suspends, re-activates or removes, each by itself', 'write',
        'local/rollbook:enrol, enrol/manual:enrol, enrol/manual:unenrol, moodle/role:assign',
    ],
    'apply_roles' => ['Assigns and unassigns roles, each by itself', 'write', 'local/rollbook:roles, moodle/role:assign'],
    'apply_cohort_members' => [
        'Adds and removes members of cohorts, each cohort by itself', 'write',
        'local/rollbook:cohorts, moodle/cohort:assign, moodle/cohort:manage',
    ],
    'set_notes' => ['Says on accounts, enrolments and cohorts what the source says', 'write', 'local/rollbook:use'],
    'note_run' => ['Tells of a run of Rollbook', 'write', 'local/rollbook:use'],
] as $name => [$description, $type, $needs]) {
    $functions["local_rollbook_$name"] = [
        'classname' => "local_rollbook\\external\\$name",
        'methodname' => 'execute',
        'description' => $description,
        'type' => $type,
        'capabilities' => $needs,
    ];
}

$services = [
    // The name is what Moodle knows a service by: another name would delete it with all its tokens.
    'Rollbook (companion)' => [
        'functions' => array_merge(array_keys($functions), [
            'core_webservice_get_site_info',
            'core_user_get_users_by_field',
            'core_user_create_users',
            'core_user_update_users',
            'core_course_get_courses_by_field',
            'core_enrol_get_enrolled_users',
            'core_enrol_get_users_courses',
            'enrol_manual_enrol_users',
            'core_completion_get_course_completion_status',
            'core_cohort_get_cohorts',
            'core_cohort_get_cohort_members',
            'core_cohort_create_cohorts',
            'core_cohort_update_cohorts',
            'core_cohort_add_cohort_members',
            'core_cohort_delete_cohort_members',
            'core_cohort_search_cohorts',
            'core_cohort_delete_cohorts',
            'core_role_assign_roles',
            'core_role_unassign_roles',
        ]),
        'restrictedusers' => 1,
        'enabled' => 1,
        'shortname' => 'local_rollbook',
        'downloadfiles' => 0,
        'uploadfiles' => 0,
    ],
];
