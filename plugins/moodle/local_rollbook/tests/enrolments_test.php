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
 * Changing enrolments, and reading how people stand.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 * @covers \local_rollbook\external\apply_enrolments
 * @covers \local_rollbook\external\get_state
 * @covers \local_rollbook\local\enrolment_writer
 * @covers \local_rollbook\local\enrolments
 */
final class enrolments_test extends testcase {
    public function test_new_enrolment_gets_the_methods_role_and_duration(): void {
        $course = $this->course(60 * DAYSECS);
        $id = $this->made('anna');
        $item = ['action' => 'enrol', 'key' => 'e1', 'userid' => $id, 'courseid' => $course->id];
        $result = $this->apply('apply_enrolments', $item)[0];
        $this->assertSame(['done', 'enrolled', true, ['manual']], [$result['status'], $result['did'], $result['active'], $result['activeby']]);
        $enrolment = $result['enrolment'];
        $this->assertSame([[$this->student()], true, true], [$enrolment['roleids'], $enrolment['owned'], $enrolment['made']]);
        $this->assertSame(60 * DAYSECS, $enrolment['timeend'] - $enrolment['timestart']);
        $this->assertTrue(is_enrolled(\context_course::instance($course->id), $id, '', true));
        $this->assertTrue($this->apply('apply_enrolments', $item)[0]['repeated']);
        $this->assertSame('unchanged', $this->apply('apply_enrolments', ['key' => ''] + $item)[0]['status']);
    }

    public function test_suspension_and_return_keep_role_and_dates(): void {
        $course = $this->course();
        $id = $this->made('anna');
        $where = ['userid' => $id, 'courseid' => $course->id];
        $end = time() + DAYSECS;
        $made = $this->apply('apply_enrolments', ['action' => 'enrol', 'timestart' => 1000, 'timeend' => $end] + $where)[0];
        $gone = $this->apply('apply_enrolments', ['action' => 'suspend'] + $where)[0];
        $this->assertSame(['suspended', false, []], [$gone['did'], $gone['active'], $gone['activeby']]);
        $this->assertSame(false, $gone['before']['suspended']);
        $again = $this->apply('apply_enrolments', ['action' => 'suspend'] + $where)[0];
        $this->assertSame('unchanged', $again['status']);
        $back = $this->apply('apply_enrolments', ['action' => 'enrol'] + $where)[0];
        $this->assertSame('reactivated', $back['did']);
        foreach (['id', 'timestart', 'timeend', 'roleids', 'owned'] as $field) {
            $this->assertSame($made['enrolment'][$field], $gone['enrolment'][$field], $field);
            $this->assertSame($made['enrolment'][$field], $back['enrolment'][$field], $field);
        }
        $later = $this->apply('apply_enrolments', ['action' => 'enrol', 'timeend' => 0] + $where)[0];
        $this->assertSame(['dates_changed', 1000, 0], [$later['did'], $later['enrolment']['timestart'], $later['enrolment']['timeend']]);
    }

    public function test_what_people_did_by_hand_is_left_unless_adopted(): void {
        global $DB;
        $course = $this->course();
        $id = $this->made('anna');
        $teacher = (int) $DB->get_field('role', 'id', ['shortname' => 'editingteacher']);
        $end = time() + 100 * DAYSECS;
        $this->setAdminUser();
        $this->getDataGenerator()->enrol_user($id, $course->id, 'editingteacher', 'manual', 5, $end);
        $this->setUser($this->account);
        $where = ['userid' => $id, 'courseid' => $course->id];
        $this->assertSame('unchanged', $this->apply('apply_enrolments', ['action' => 'enrol'] + $where)[0]['status']);
        $refused = $this->apply(
            'apply_enrolments',
            ['action' => 'suspend'] + $where,
            ['action' => 'enrol', 'roleid' => $this->student()] + $where,
            ['action' => 'unenrol'] + $where
        );
        $this->assertSame(['not_owned', 'not_owned', 'not_owned'], array_column($refused, 'code'));
        $this->assertSame([$teacher], $refused[0]['enrolment']['roleids']);
        $this->assertFalse($refused[0]['enrolment']['owned']);

        $adopted = $this->apply('apply_enrolments', ['action' => 'suspend', 'adopt' => 1] + $where)[0];
        $this->assertSame(['suspended,adopted', true, false], [
            $adopted['did'], $adopted['enrolment']['owned'], $adopted['enrolment']['made'],
        ]);
        $this->assertSame([[$teacher], 5, $end], [
            $adopted['enrolment']['roleids'], $adopted['enrolment']['timestart'], $adopted['enrolment']['timeend'],
        ]);
        $this->assertSame('reactivated', $this->apply('apply_enrolments', ['action' => 'enrol'] + $where)[0]['did']);
    }

    public function test_suspension_of_somebody_who_is_in_by_another_method_makes_nothing(): void {
        global $DB;
        $course = $this->course();
        $id = $this->made('anna');
        $self = enrol_get_plugin('self');
        $instance = $DB->get_record('enrol', ['courseid' => $course->id, 'enrol' => 'self'], '*', MUST_EXIST);
        $self->update_status($instance, ENROL_INSTANCE_ENABLED);
        $self->enrol_user($instance, $id, $this->student());
        $result = $this->apply('apply_enrolments', ['action' => 'suspend', 'userid' => $id, 'courseid' => $course->id])[0];
        $this->assertSame(['not_enrolled', true, ['self']], [$result['code'], $result['active'], $result['activeby']]);
        $this->assertSame(1, $DB->count_records('user_enrolments', ['userid' => $id]));
    }

    public function test_what_cannot_be_is_said(): void {
        global $DB;
        $course = $this->course();
        $without = $this->getDataGenerator()->create_course();
        $DB->set_field('enrol', 'status', ENROL_INSTANCE_DISABLED, ['courseid' => $without->id, 'enrol' => 'manual']);
        $id = $this->made('anna');
        $gone = $this->getDataGenerator()->create_user();
        delete_user($gone);
        $manager = (int) $DB->get_field('role', 'id', ['shortname' => 'manager']);
        $enrol = ['action' => 'enrol', 'userid' => $id, 'courseid' => $course->id];
        $results = $this->apply(
            'apply_enrolments',
            ['userid' => get_admin()->id] + $enrol,
            ['userid' => guest_user()->id] + $enrol,
            ['userid' => $gone->id] + $enrol,
            ['userid' => 99999999] + $enrol,
            ['courseid' => 99999999] + $enrol,
            ['courseid' => SITEID] + $enrol,
            ['courseid' => $without->id] + $enrol,
            ['roleid' => $manager] + $enrol,
            ['timestart' => 2000, 'timeend' => 1000] + $enrol,
            ['enrolmentid' => 99999999] + $enrol,
            $enrol
        );
        $this->assertSame([
            'protected', 'protected', 'account_deleted', 'account_missing', 'course_missing', 'course_missing', 'no_manual_instance',
            'role_not_assignable', 'invalid_dates', 'enrolment_missing', '',
        ], array_column($results, 'code'));
        $this->assertSame(1, $DB->count_records('user_enrolments'));
    }

    public function test_unknown_action_fails_the_call(): void {
        $this->expectException(\invalid_parameter_exception::class);
        $this->apply('apply_enrolments', ['action' => 'expel', 'userid' => 1, 'courseid' => 1]);
    }

    public function test_unenrol_removes_it_and_says_what_was(): void {
        global $DB;
        $course = $this->course();
        $id = $this->made('anna');
        $where = ['userid' => $id, 'courseid' => $course->id];
        $made = $this->apply('apply_enrolments', ['action' => 'enrol'] + $where)[0];
        $gone = $this->apply('apply_enrolments', ['action' => 'unenrol'] + $where)[0];
        $this->assertSame(['unenrolled', false], [$gone['did'], $gone['active']]);
        $this->assertSame($made['enrolment'], $gone['before']);
        $this->assertSame(0, $DB->count_records('user_enrolments'));
        $this->assertFalse($DB->record_exists('local_rollbook_mark', ['kind' => 'enrolment']));
        $this->assertSame('unchanged', $this->apply('apply_enrolments', ['action' => 'unenrol'] + $where)[0]['status']);
    }

    public function test_account_that_cannot_sign_in_is_said(): void {
        $course = $this->course();
        $id = $this->made('anna');
        $this->apply('upsert_accounts', ['id' => $id, 'suspended' => 1, 'update' => 1]);
        $result = $this->apply('apply_enrolments', ['action' => 'enrol', 'userid' => $id, 'courseid' => $course->id])[0];
        $this->assertSame(['done', 'suspended'], [$result['status'], $result['login']]);
    }

    public function test_moodle_mails_no_welcome_where_it_must_not(): void {
        global $DB;
        if (!class_exists('\core_enrol\hook\after_user_enrolled')) {
            $this->markTestSkipped('This Moodle mails no welcome for manual enrolments.');
        }
        $course = $this->course();
        $DB->set_field('enrol', 'customint1', 3, ['courseid' => $course->id, 'enrol' => 'manual']);
        $enrol = ['action' => 'enrol', 'courseid' => $course->id];
        $anna = $this->made('anna');
        $bert = $this->made('bert');
        $sink = $this->redirectMessages();
        $this->apply('apply_enrolments', ['userid' => $anna, 'welcome' => 0] + $enrol);
        $this->assertSame(0, $sink->count());
        $this->apply('apply_enrolments', ['userid' => $bert] + $enrol);
        $this->assertSame(1, $sink->count());
        $this->apply('apply_enrolments', ['action' => 'suspend', 'userid' => $bert] + $enrol);
        $this->apply('apply_enrolments', ['userid' => $bert] + $enrol);
        $this->assertSame(1, $sink->count());
    }

    public function test_state_of_many_in_many_comes_in_one_answer(): void {
        global $DB;
        $one = $this->course();
        $two = $this->course();
        $anna = $this->made('anna');
        $bert = $this->made('bert');
        $this->apply(
            'apply_enrolments',
            ['action' => 'enrol', 'userid' => $anna, 'courseid' => $one->id],
            ['action' => 'enrol', 'userid' => $anna, 'courseid' => $two->id, 'timestart' => time() + DAYSECS]
        );
        $this->setAdminUser();
        $this->getDataGenerator()->enrol_user($bert, $two->id, 'student');
        $this->setUser($this->account);
        $DB->insert_record('course_completions', (object) [
            'userid' => $anna, 'course' => $one->id, 'timeenrolled' => 1, 'timestarted' => 0, 'timecompleted' => 77, 'reaggregate' => 0,
        ]);
        $state = $this->call('get_state', ['userids' => "$anna,$bert,99999999", 'courseids' => "$one->id,$two->id"]);
        $this->assertSame([$anna, $bert], array_column($state['accounts'], 'id'));
        $seen = array_map(static function (array $row): array {
            return [$row['userid'], $row['courseid'], $row['active'], $row['owned'], $row['roleids']];
        }, $state['enrolments']);
        $student = [$this->student()];
        $this->assertEqualsCanonicalizing([
            [$anna, (int) $one->id, true, true, $student],
            [$anna, (int) $two->id, false, true, $student],
            [$bert, (int) $two->id, true, false, $student],
        ], $seen);
        $this->assertSame([77], array_column($state['completions'], 'timecompleted'));
        $this->assertSame([], $this->call('get_state', ['userids' => (string) $anna])['enrolments']);
    }
}
