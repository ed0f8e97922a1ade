<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook;

use core_privacy\local\metadata\collection;
use core_privacy\local\request\approved_contextlist;
use core_privacy\local\request\approved_userlist;
use core_privacy\local\request\userlist;
use core_privacy\local\request\writer;
use local_rollbook\local\pages;
use local_rollbook\local\setup;
use local_rollbook\privacy\provider;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/testcase.php');

/**
 * Set-up, removal, pages and privacy.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 * @covers \local_rollbook\local\setup
 * @covers \local_rollbook\local\pages
 * @covers \local_rollbook\privacy\provider
 */
final class setup_test extends testcase {
    public function test_setup_is_done_once_and_token_stays(): void {
        global $DB, $CFG;
        $this->setAdminUser();
        $this->assertSame([], setup::missing());
        $token = setup::run(false);
        $this->assertSame($token, setup::run(false));
        $this->assertNotSame($token, setup::run(true));
        $this->assertSame(1, $DB->count_records('external_tokens', ['userid' => $this->account]));
        $this->assertStringContainsString('rest', $CFG->webserviceprotocols);
        $this->assertSame(40, strlen(get_config('local_rollbook', 'secret')));
        // The role may give Student, and nothing that anybody would want.
        $allowed = $DB->get_fieldset_select('role_allow_assign', 'allowassign', 'roleid = ?', [get_config('local_rollbook', 'roleid')]);
        $this->assertSame([(string) $this->student()], array_map('strval', $allowed));
    }

    public function test_every_function_is_in_the_service_and_every_capability_has_a_name(): void {
        global $DB;
        $service = $DB->get_record('external_services', ['shortname' => 'local_rollbook'], '*', MUST_EXIST);
        foreach ($DB->get_records('external_functions', ['component' => 'local_rollbook']) as $function) {
            $this->assertTrue($DB->record_exists('external_services_functions', [
                'externalserviceid' => $service->id, 'functionname' => $function->name,
            ]));
            $class = $function->classname;
            $this->assertNotEmpty($class::execute_parameters());
            $this->assertNotEmpty($class::execute_returns());
        }
        foreach (['use', 'readpeople', 'writeaccounts', 'enrol', 'roles', 'cohorts', 'viewnotes'] as $name) {
            $this->assertTrue(get_string_manager()->string_exists("rollbook:$name", 'local_rollbook'), $name);
        }
    }

    public function test_older_service_is_extended(): void {
        global $DB, $CFG;
        require_once($CFG->dirroot . '/webservice/lib.php');
        $this->assertFalse(setup::extend('rollbook'));
        $id = (new \webservice())->add_external_service((object) [
            'name' => 'Rollbook (rollbook)', 'shortname' => 'rollbook', 'enabled' => 1, 'restrictedusers' => 1,
            'requiredcapability' => '', 'downloadfiles' => 0, 'uploadfiles' => 0,
        ]);
        $this->getDataGenerator()->create_role(['shortname' => 'rollbook']);
        $this->assertTrue(setup::extend('rollbook'));
        $this->assertTrue(setup::extend('rollbook'));
        $count = $DB->count_records('external_functions', ['component' => 'local_rollbook']);
        $this->assertSame($count, $DB->count_records('external_services_functions', ['externalserviceid' => $id]));
        $user = $this->getDataGenerator()->create_user();
        (new \webservice())->add_ws_authorised_user((object) ['externalserviceid' => $id, 'userid' => $user->id]);
        $this->setUser($user);
        $this->assertFalse(local\actor::acts());
        setup::extend('rollbook');
        $this->assertTrue(local\actor::acts(), 'what that account does is Rollbook\'s doing, too');
    }

    public function test_what_an_administrator_took_from_the_role_stays_away(): void {
        global $DB;
        $role = (int) get_config('local_rollbook', 'roleid');
        $has = static function (string $capability) use ($DB, $role): bool {
            return $DB->record_exists('role_capabilities', ['roleid' => $role, 'capability' => $capability]);
        };
        $this->assertTrue($has('local/rollbook:roles'));
        unassign_capability('local/rollbook:roles', $role);
        $this->assertSame($role, setup::role());
        $this->assertFalse($has('local/rollbook:roles'));
        // One that a newer version needs is given.
        unassign_capability('local/rollbook:cohorts', $role);
        $given = array_diff(explode(',', get_config('local_rollbook', 'given')), ['local/rollbook:cohorts']);
        set_config('given', implode(',', $given), 'local_rollbook');
        setup::role();
        $this->assertTrue($has('local/rollbook:cohorts'));
    }

    public function test_removal_leaves_people_what_they_have(): void {
        global $DB;
        $role = $this->getDataGenerator()->create_role(['shortname' => 'guildlead']);
        set_role_contextlevels($role, [CONTEXT_SYSTEM]);
        core_role_set_assign_allowed(get_config('local_rollbook', 'roleid'), $role);
        accesslib_clear_all_caches_for_unit_testing();
        $anna = $this->made('anna');
        $cohort = $this->getDataGenerator()->create_cohort();
        $this->apply('apply_roles', ['action' => 'assign', 'userid' => $anna, 'roleid' => $role, 'contextlevel' => 'system', 'itemid' => 4]);
        $this->apply('apply_cohort_members', ['cohortid' => $cohort->id, 'add' => (string) $anna, 'lock' => 1]);
        $ours = get_config('local_rollbook', 'roleid');
        $this->setAdminUser();
        setup::remove();
        $this->assertTrue($DB->record_exists('role_assignments', [
            'userid' => $anna, 'roleid' => $role, 'component' => '', 'itemid' => 0,
        ]));
        $this->assertSame('', $DB->get_field('cohort', 'component', ['id' => $cohort->id]));
        $this->assertFalse($DB->record_exists('role', ['id' => $ours]));
        $this->assertSame('1', $DB->get_field('user', 'suspended', ['id' => $this->account]));
    }

    public function test_profile_and_participants_show_notes_to_those_who_may(): void {
        global $PAGE, $DB;
        set_config('url', 'http://rollbook.example.org:8080', 'local_rollbook');
        $course = $this->course();
        $anna = $this->made('anna');
        $this->apply('apply_enrolments', [
            'action' => 'enrol', 'userid' => $anna, 'courseid' => $course->id,
            'note' => ['says' => 'Enrol <i>', 'story' => '/people/1', 'link' => 'psa'],
        ]);
        $user = $DB->get_record('user', ['id' => $anna]);
        $this->setAdminUser();
        $tree = new \core_user\output\myprofile\tree();
        pages::profile($tree, $user, $course);
        $nodes = (new \ReflectionProperty($tree, 'nodes'));
        $nodes->setAccessible(true);
        $html = implode('', array_map(static function ($node): string {
            return $node->content;
        }, $nodes->getValue($tree)));
        $this->assertStringContainsString('Enrol &lt;i&gt;', $html);
        $this->assertStringContainsString('http://rollbook.example.org:8080/people/1', $html);

        $page = new \moodle_page();
        $page->set_url('/user/index.php', ['id' => $course->id]);
        $page->set_course($course);
        $this->assertStringContainsString('1', pages::participants($page));
        $page->set_url('/course/view.php', ['id' => $course->id]);
        $this->assertSame('', pages::participants($page));

        $this->setUser($user);
        $tree = new \core_user\output\myprofile\tree();
        pages::profile($tree, $user, $course);
        $this->assertSame([], $nodes->getValue($tree));
        $page->set_url('/user/index.php', ['id' => $course->id]);
        $this->assertSame('', pages::participants($page));
    }

    public function test_story_leads_nowhere_else(): void {
        set_config('url', 'https://rollbook.example.org/', 'local_rollbook');
        $this->assertSame('https://rollbook.example.org/a', pages::story('/a')->out(false));
        $this->assertNull(pages::story('//evil.example.org/a'));
        $this->assertNull(pages::story('https://evil.example.org'));
        $this->assertNull(pages::story(''));
    }

    public function test_people_get_and_lose_what_is_kept_of_them(): void {
        global $DB;
        $course = $this->course();
        $anna = $this->made('anna');
        $bert = $this->made('bert');
        $this->apply('apply_enrolments', [
            'action' => 'enrol', 'key' => 'e', 'userid' => $anna, 'courseid' => $course->id, 'note' => ['says' => 'Enrol'],
        ]);
        $this->assertNotEmpty(provider::get_metadata(new collection('local_rollbook'))->get_collection());
        $contexts = provider::get_contexts_for_userid($anna);
        $context = \context_user::instance($anna);
        $this->assertSame([(int) $context->id], array_map('intval', $contexts->get_contextids()));
        $list = new userlist($context, 'local_rollbook');
        provider::get_users_in_context($list);
        $this->assertSame([$anna], array_map('intval', $list->get_userids()));
        $user = $DB->get_record('user', ['id' => $anna]);
        provider::export_user_data(new approved_contextlist($user, 'local_rollbook', [$context->id]));
        $data = writer::with_context($context)->get_data([get_string('pluginname', 'local_rollbook')]);
        $this->assertContains('Enrol', array_column($data->marks, 'says'));

        provider::delete_data_for_users(new approved_userlist($context, 'local_rollbook', [$anna]));
        $this->assertSame(0, $DB->count_records('local_rollbook_mark', ['userid' => $anna]));
        $this->assertSame(1, $DB->count_records('local_rollbook_mark', ['userid' => $bert]));
        $this->assertSame(['make-bert'], $DB->get_fieldset_select('local_rollbook_key', 'itemkey', '1 = 1'));
    }
}
