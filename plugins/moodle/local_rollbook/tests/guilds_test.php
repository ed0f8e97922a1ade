<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/testcase.php');

/**
 * Cohorts and roles.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 * @covers \local_rollbook\external\apply_cohort_members
 * @covers \local_rollbook\external\get_cohorts
 * @covers \local_rollbook\external\apply_roles
 * @covers \local_rollbook\external\get_role_assignments
 * @covers \local_rollbook\external\set_notes
 */
final class guilds_test extends testcase {
    public function test_members_change_by_differences(): void {
        $cohort = $this->getDataGenerator()->create_cohort(['idnumber' => 'g1']);
        [$anna, $bert, $carl] = [$this->made('anna'), $this->made('bert'), $this->made('carl')];
        $result = $this->apply('apply_cohort_members', ['cohortid' => $cohort->id, 'add' => "$bert,$anna,99999999"])[0];
        $this->assertSame(['done', "$anna,$bert", 2], [$result['status'], $result['added'], $result['count']]);
        $this->assertSame([['userid' => 99999999, 'code' => 'account_missing']], $result['refused']);
        $this->assertSame(hash('sha256', "$anna,$bert"), $result['digest']);
        $result = $this->apply('apply_cohort_members', ['cohortid' => $cohort->id, 'add' => "$carl,$bert", 'remove' => (string) $anna])[0];
        $this->assertSame([(string) $carl, (string) $anna], [$result['added'], $result['removed']]);
        $again = $this->apply('apply_cohort_members', ['cohortid' => $cohort->id, 'add' => "$carl,$bert", 'remove' => (string) $anna])[0];
        $this->assertSame('unchanged', $again['status']);
        $seen = $this->call('get_cohorts', ['members' => 'list'])['cohorts'];
        $this->assertSame(["$bert,$carl"], array_column($seen, 'members'));
        $this->assertSame([true], array_column($seen, 'owned'));
        $this->assertSame($again['digest'], $this->call('get_cohorts', ['ids' => $cohort->id])['cohorts'][0]['digest']);
        $this->assertArrayNotHasKey('members', $this->call('get_cohorts')['cohorts'][0]);
    }

    public function test_cohorts_of_others_and_unknown_ones_are_refused(): void {
        $theirs = $this->getDataGenerator()->create_cohort(['idnumber' => 'g2', 'component' => 'local_other']);
        $results = $this->apply('apply_cohort_members', ['cohortid' => $theirs->id], ['cohortid' => 99999999]);
        $this->assertSame(['not_owned', 'cohort_missing'], array_column($results, 'code'));
    }

    public function test_lock_keeps_people_from_changing_a_cohort(): void {
        global $DB;
        $cohort = $this->getDataGenerator()->create_cohort(['idnumber' => 'g1']);
        $this->apply('apply_cohort_members', ['cohortid' => $cohort->id, 'lock' => 1]);
        $this->assertSame('local_rollbook', $DB->get_field('cohort', 'component', ['id' => $cohort->id]));
        $this->apply('apply_cohort_members', ['cohortid' => $cohort->id]);
        $this->assertSame('local_rollbook', $DB->get_field('cohort', 'component', ['id' => $cohort->id]));
        $this->apply('apply_cohort_members', ['cohortid' => $cohort->id, 'lock' => 0]);
        $this->assertSame('', $DB->get_field('cohort', 'component', ['id' => $cohort->id]));
    }

    public function test_nobody_is_added_and_removed_at_once(): void {
        $this->expectException(\invalid_parameter_exception::class);
        $this->apply('apply_cohort_members', ['cohortid' => 1, 'add' => '5', 'remove' => '5']);
    }

    public function test_cohorts_come_by_page(): void {
        foreach (['a', 'b', 'c'] as $name) {
            $this->getDataGenerator()->create_cohort(['idnumber' => $name]);
        }
        $this->getDataGenerator()->create_cohort(['idnumber' => '']);
        $seen = [];
        $asked = ['limit' => 2, 'members' => 'none'];
        do {
            $page = $this->call('get_cohorts', $asked);
            $seen = array_merge($seen, array_column($page['cohorts'], 'idnumber'));
            $asked['after'] = $page['cursor'];
        } while ($page['more']);
        $this->assertSame(['a', 'b', 'c'], $seen);
    }

    public function test_roles_belong_to_rollbook_and_others_stay(): void {
        global $DB;
        $role = $this->getDataGenerator()->create_role(['shortname' => 'guildlead']);
        set_role_contextlevels($role, [CONTEXT_SYSTEM, CONTEXT_COURSE]);
        core_role_set_assign_allowed(get_config('local_rollbook', 'roleid'), $role);
        accesslib_clear_all_caches_for_unit_testing();
        $anna = $this->made('anna');
        $where = ['userid' => $anna, 'roleid' => $role, 'contextlevel' => 'system'];
        role_assign($role, $anna, \context_system::instance()->id);
        $given = $this->apply('apply_roles', ['action' => 'assign', 'itemid' => 3] + $where)[0];
        $this->assertSame(['done', 'assigned', 1], [$given['status'], $given['did'], $given['others']]);
        $this->assertSame('unchanged', $this->apply('apply_roles', ['action' => 'assign', 'itemid' => 3] + $where)[0]['status']);
        $seen = $this->call('get_role_assignments')['assignments'];
        $this->assertSame([[$anna], [$role], ['system'], [0], [3]], [
            array_column($seen, 'userid'), array_column($seen, 'roleid'), array_column($seen, 'contextlevel'),
            array_column($seen, 'instanceid'), array_column($seen, 'itemid'),
        ]);
        $this->assertCount(2, $this->call('get_role_assignments', ['component' => '*', 'roleids' => $role])['assignments']);
        $this->assertSame('unassigned', $this->apply('apply_roles', ['action' => 'unassign', 'itemid' => 3] + $where)[0]['did']);
        $this->assertTrue($DB->record_exists('role_assignments', ['roleid' => $role, 'userid' => $anna, 'component' => '']));
        $this->assertSame('unchanged', $this->apply('apply_roles', ['action' => 'unassign', 'itemid' => 3] + $where)[0]['status']);

        $adopted = $this->apply('apply_roles', ['action' => 'assign', 'adopt' => 1] + $where)[0];
        $this->assertSame(['adopted', 0], [$adopted['did'], $adopted['others']]);
        $this->assertFalse($DB->record_exists('role_assignments', ['roleid' => $role, 'userid' => $anna, 'component' => '']));
    }

    public function test_roles_that_may_not_be_given_are_refused(): void {
        global $DB;
        $manager = (int) $DB->get_field('role', 'id', ['shortname' => 'manager']);
        $anna = $this->made('anna');
        $item = ['action' => 'assign', 'userid' => $anna, 'roleid' => $manager, 'contextlevel' => 'system'];
        $results = $this->apply(
            'apply_roles',
            $item,
            ['userid' => get_admin()->id] + $item,
            ['contextlevel' => 'module'] + $item,
            ['contextlevel' => 'course', 'instanceid' => 99999999] + $item,
            ['action' => 'unassign', 'contextlevel' => 'course', 'instanceid' => 99999999] + $item
        );
        $this->assertSame(
            ['role_not_assignable', 'protected', 'invalid_context', 'context_missing', ''],
            array_column($results, 'code')
        );
    }

    public function test_notes_are_kept_and_change_nothing_else(): void {
        global $DB;
        $anna = $this->made('anna');
        $course = $this->course();
        $this->apply('apply_enrolments', ['action' => 'enrol', 'userid' => $anna, 'courseid' => $course->id]);
        $cohort = $this->getDataGenerator()->create_cohort();
        $results = $this->apply(
            'set_notes',
            ['kind' => 'account', 'userid' => $anna, 'says' => 'active', 'story' => '/people/1'],
            ['kind' => 'enrolment', 'userid' => $anna, 'courseid' => $course->id, 'says' => 'Enrol'],
            ['kind' => 'cohort', 'cohortid' => $cohort->id, 'says' => 'guild'],
            ['kind' => 'enrolment', 'userid' => $anna, 'courseid' => 99999999],
            ['kind' => 'person']
        );
        $this->assertSame(['', '', '', 'enrolment_missing', 'invalid_kind'], array_column($results, 'code'));
        $mark = $DB->get_record('local_rollbook_mark', ['kind' => 'account', 'instanceid' => $anna]);
        $this->assertSame(['active', '/people/1', 'created'], [$mark->says, $mark->story, $mark->did]);
        $this->assertSame('0', $DB->get_field('local_rollbook_mark', 'owned', ['kind' => 'cohort', 'instanceid' => $cohort->id]));
    }
}
