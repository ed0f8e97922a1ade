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
 * Ping, courses, completions.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 * @covers \local_rollbook\external\ping
 * @covers \local_rollbook\external\get_courses
 * @covers \local_rollbook\external\get_completions
 * @covers \local_rollbook\external\note_run
 */
final class reading_test extends testcase {
    public function test_ping_tells_limits_and_rights(): void {
        $ping = $this->call('ping');
        $this->assertSame(local\setup::PROTOCOL, $ping['protocol']);
        $this->assertSame(local\limits::ACCOUNTS, array_column($ping['limits'], 'value', 'name')['accounts']);
        $this->assertNotContains(false, array_column($ping['capabilities'], 'has'));
        $this->assertFalse($ping['events']);
    }

    public function test_completions_come_by_page_and_none_twice(): void {
        global $DB;
        $course = $this->course();
        $users = [];
        for ($number = 0; $number < 25; $number++) {
            $user = $this->getDataGenerator()->create_user(['idnumber' => "N$number"]);
            $users[] = (int) $user->id;
            // Many of one second, and some of before.
            $DB->insert_record('course_completions', (object) [
                'userid' => $user->id, 'course' => $course->id, 'timeenrolled' => 0, 'timestarted' => 0, 'reaggregate' => 0,
                'timecompleted' => $number < 20 ? 1000 + $number % 3 : ($number < 24 ? 10 : null),
            ]);
        }
        delete_user(\core_user::get_user($users[0]));
        $seen = [];
        $asked = ['since' => 1000, 'limit' => 4];
        do {
            $page = $this->call('get_completions', $asked);
            $seen = array_merge($seen, array_column($page['completions'], 'userid'));
            $asked['cursor'] = $page['cursor'];
        } while ($page['more']);
        $this->assertEqualsCanonicalizing(array_slice($users, 1, 19), $seen);
        $this->assertSame([], $this->call('get_completions', $asked)['completions']);
        $this->assertCount(23, $this->call('get_completions')['completions']);
        $this->assertCount(0, $this->call('get_completions', ['courseids' => '99999999'])['completions']);
    }

    public function test_page_that_is_too_long_is_refused(): void {
        $this->expectException(\moodle_exception::class);
        $this->call('get_completions', ['limit' => local\limits::COMPLETIONS + 1]);
    }

    public function test_cursor_of_another_form_is_refused(): void {
        $this->expectException(\invalid_parameter_exception::class);
        $this->call('get_completions', ['cursor' => '5 OR 1']);
    }

    public function test_courses_are_told_with_their_method_and_field(): void {
        global $DB;
        $category = $this->getDataGenerator()->create_custom_field_category([
            'component' => 'core_course', 'area' => 'course',
        ]);
        $this->getDataGenerator()->create_custom_field([
            'categoryid' => $category->get('id'), 'type' => 'checkbox', 'shortname' => 'opt_in', 'configdata' => ['visibility' => 0],
        ]);
        $one = $this->getDataGenerator()->create_course([
            'idnumber' => '930001', 'enablecompletion' => 1, 'visible' => 0,
            'customfields' => [['shortname' => 'opt_in', 'value' => 1]],
        ]);
        $two = $this->getDataGenerator()->create_course(['idnumber' => '930002']);
        $DB->set_field('enrol', 'status', ENROL_INSTANCE_DISABLED, ['courseid' => $two->id, 'enrol' => 'manual']);
        $this->getDataGenerator()->create_course(['idnumber' => '']);
        $found = $this->call('get_courses', ['idnumbers' => [' 930001', '930002', '1'], 'field' => 'opt_in'])['courses'];
        $this->assertSame([(int) $one->id, (int) $two->id], array_column($found, 'id'));
        $this->assertSame(['1', '0'], array_column($found, 'fieldvalue'));
        $this->assertSame([true, false], array_column($found, 'assignable'));
        $this->assertSame([$this->student(), 0], array_column($found, 'roleid'));
        $this->assertSame([false, true], array_column($found, 'visible'));
        $this->assertSame([''], array_column($this->call('get_courses', ['ids' => $two->id, 'field' => 'nosuch'])['courses'], 'fieldvalue'));

        $page = $this->call('get_courses', ['limit' => 1]);
        $this->assertSame([[(int) $one->id], true], [array_column($page['courses'], 'id'), $page['more']]);
        $page = $this->call('get_courses', ['limit' => 1, 'after' => $page['cursor']]);
        $this->assertSame([[(int) $two->id], false], [array_column($page['courses'], 'id'), $page['more']]);
    }

    public function test_run_is_told_once_and_replaced(): void {
        global $DB;
        $run = ['runid' => 'r-1', 'link' => 'psa', 'flow' => 'intake', 'state' => 'running', 'timebegan' => 1000];
        $this->call('note_run', $run);
        $this->call('note_run', ['state' => 'done', 'timeended' => 1010, 'done' => 7] + $run);
        $kept = $DB->get_records('local_rollbook_run');
        $this->assertCount(1, $kept);
        $this->assertSame(['done', '7'], [reset($kept)->state, reset($kept)->done]);
    }
}
