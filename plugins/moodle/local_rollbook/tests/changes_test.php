<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook;

use local_rollbook\local\sender;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/testcase.php');
require_once(__DIR__ . '/fixtures/recording_sender.php');

/**
 * What others change is queued, told and sent.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 * @covers \local_rollbook\observer
 * @covers \local_rollbook\local\changes
 * @covers \local_rollbook\local\sender
 * @covers \local_rollbook\external\get_changes
 * @covers \local_rollbook\task\send_changes
 * @covers \local_rollbook\task\sweep
 * @covers \local_rollbook\task\cleanup
 */
final class changes_test extends testcase {
    /**
     * What is queued, as "kind what".
     *
     * @return string[]
     */
    private function queued(): array {
        global $DB;
        return array_values(array_map(static function (\stdClass $row): string {
            return "$row->kind $row->what";
        }, $DB->get_records('local_rollbook_change', null, 'id')));
    }

    public function test_what_rollbook_does_is_no_news(): void {
        $course = $this->course();
        $anna = $this->made('anna');
        $cohort = $this->getDataGenerator()->create_cohort();
        $this->apply('apply_enrolments', ['action' => 'enrol', 'userid' => $anna, 'courseid' => $course->id]);
        $this->apply('apply_cohort_members', ['cohortid' => $cohort->id, 'add' => (string) $anna]);
        $this->apply('upsert_accounts', ['id' => $anna, 'lastname' => 'Neu', 'update' => 1]);
        // Over core's functions, too.
        $this->getDataGenerator()->enrol_user($anna, $this->course()->id);
        $this->assertSame([], $this->queued());
    }

    public function test_what_others_do_is_queued_once(): void {
        global $DB;
        $course = $this->course();
        $anna = $this->made('anna');
        $cohort = $this->getDataGenerator()->create_cohort();
        $strange = $this->getDataGenerator()->create_cohort();
        $this->apply('apply_enrolments', ['action' => 'enrol', 'userid' => $anna, 'courseid' => $course->id]);
        $this->apply('apply_cohort_members', ['cohortid' => $cohort->id]);
        $this->setAdminUser();
        $user = $DB->get_record('user', ['id' => $anna]);
        $nobody = $this->getDataGenerator()->create_user(['idnumber' => '']);
        $this->getDataGenerator()->enrol_user($nobody->id, $course->id);
        user_update_user((object) ['id' => $nobody->id, 'city' => 'Here'], false);
        cohort_add_member($strange->id, $anna);
        $this->assertSame([], $this->queued());

        user_update_user((object) ['id' => $anna, 'city' => 'Somewhere'], false);
        $this->assertSame([], $this->queued(), 'a city is nothing to Rollbook');
        user_update_user((object) ['id' => $anna, 'email' => 'new@example.org'], false);
        user_update_user((object) ['id' => $anna, 'email' => 'newer@example.org'], false);
        $instance = $DB->get_record('enrol', ['courseid' => $course->id, 'enrol' => 'manual']);
        enrol_get_plugin('manual')->update_user_enrol($instance, $anna, ENROL_USER_SUSPENDED);
        enrol_get_plugin('manual')->unenrol_user($instance, $anna);
        cohort_add_member($cohort->id, $anna);
        cohort_remove_member($cohort->id, $anna);
        delete_user($user);
        cohort_delete_cohort($DB->get_record('cohort', ['id' => $cohort->id]));
        $this->assertSame([
            'account changed', 'enrolment updated', 'enrolment deleted', 'member added', 'member removed', 'account deleted',
            'cohort deleted',
        ], $this->queued());
        $this->assertFalse($DB->record_exists('local_rollbook_mark', ['userid' => $anna]));
        $this->assertFalse($DB->record_exists('local_rollbook_mark', ['kind' => 'cohort', 'instanceid' => $cohort->id]));
    }

    public function test_completion_is_queued_and_told(): void {
        $course = $this->course();
        $anna = $this->made('anna');
        $this->getDataGenerator()->enrol_user($anna, $course->id);
        $completion = new \completion_completion(['userid' => $anna, 'course' => $course->id]);
        $completion->mark_complete();
        $this->assertSame(['completion completed'], $this->queued());
        $this->setUser($this->account);
        $told = $this->call('get_changes');
        $this->assertSame(['completion', $anna, (int) $course->id], [
            $told['changes'][0]['kind'], $told['changes'][0]['user_id'], $told['changes'][0]['course_id'],
        ]);
        $this->assertArrayNotHasKey('cohort_id', $told['changes'][0]);
        $this->assertSame(0, $told['cursor'], 'it may come again: a lower number may still appear');
    }

    public function test_cursor_moves_once_changes_are_settled(): void {
        global $DB;
        foreach ([100, 100, time()] as $time) {
            $DB->insert_record('local_rollbook_change', (object) [
                'kind' => 'account', 'what' => 'changed', 'userid' => 5, 'timecreated' => $time,
            ]);
        }
        $told = $this->call('get_changes', ['limit' => 2]);
        $this->assertSame([$told['changes'][1]['id'], true], [$told['cursor'], $told['more']]);
        $rest = $this->call('get_changes', ['after' => $told['cursor']]);
        $this->assertSame([1, $told['cursor'], false], [count($rest['changes']), $rest['cursor'], $rest['more']]);
    }

    /**
     * Switches sending on.
     */
    private function events(): void {
        set_config('url', 'http://rollbook.example.org:8080/', 'local_rollbook');
        set_config('events', 1, 'local_rollbook');
    }

    public function test_changes_are_sent_signed(): void {
        global $DB;
        $this->events();
        local\changes::queue('completion', 'completed', 5, 7);
        local\changes::queue('completion', 'completed', 5, 7);
        local\changes::queue('account', 'changed', 5);
        $this->assertCount(1, \core\task\manager::get_adhoc_tasks('\local_rollbook\task\send_changes'));
        $sender = new recording_sender([202]);
        $this->assertSame(0, $sender->send());
        [$url, $headers, $body] = $sender->sent[0];
        $this->assertSame('http://rollbook.example.org:8080/api/v1/events/moodle', $url);
        $message = json_decode($body, true);
        $this->assertSame(['completion', 'account'], array_column($message['changes'], 'kind'));
        $this->assertSame(1, preg_match('/^x-rollbook-timestamp: (\d+)$/', $headers[1], $time));
        $mac = hash_hmac('sha256', "$time[1].$body", get_config('local_rollbook', 'secret'));
        $this->assertSame("x-rollbook-signature: sha256=$mac", $headers[2]);
        $this->assertSame(0, $DB->count_records('local_rollbook_change', ['timesent' => 0]));
        $this->assertSame(0, (new recording_sender([]))->send());
    }

    public function test_signature_is_the_one_that_everybody_computes(): void {
        // Made with: printf '1795425260.{"user_id":42,"course_id":7}' | openssl dgst -sha256 -hmac 'a secret of some length'.
        $headers = sender::sign('a secret of some length', 1795425260, '{"user_id":42,"course_id":7}');
        $this->assertSame(
            'x-rollbook-signature: sha256=cf3a5a26590eb792cc89766bb13e11665f7af4a10872cc1b1dfd765f35a46eb0',
            $headers[2]
        );
    }

    public function test_what_is_not_taken_is_sent_again_later_and_later(): void {
        global $DB;
        $this->events();
        local\changes::queue('account', 'changed', 5);
        $pauses = [];
        $sender = new recording_sender([503, 401, 'no route', 202]);
        foreach ([1, 2, 3] as $try) {
            $pauses[] = $sender->send();
            $this->assertNotSame('', get_config('local_rollbook', 'senderror'));
        }
        $this->assertSame([30, 60, 120], $pauses);
        // Meanwhile the same happens again: Rollbook may have looked already.
        local\changes::queue('account', 'changed', 5);
        $this->assertSame(2, $DB->count_records('local_rollbook_change'));
        $this->assertSame(0, $sender->send());
        $this->assertSame('', get_config('local_rollbook', 'senderror'));
        $this->assertSame(0, $DB->count_records('local_rollbook_change', ['timesent' => 0]));
        set_config('sendfails', 19, 'local_rollbook');
        local\changes::queue('account', 'changed', 6);
        $this->assertSame(3600, (new recording_sender([500]))->send());
    }

    public function test_message_that_is_too_long_is_halved(): void {
        global $DB;
        $this->events();
        for ($id = 1; $id <= 150; $id++) {
            local\changes::queue('account', 'changed', $id);
        }
        $sender = new recording_sender([413, 202, 409, 202, 202]);
        $this->assertSame(0, $sender->send());
        $this->assertSame([100, 50, 100], array_map(static function (array $sent): int {
            return count(json_decode($sent[2], true)['changes']);
        }, array_slice($sender->sent, 0, 3)));
        foreach ($sender->sent as $sent) {
            $this->assertLessThanOrEqual(sender::BYTES, strlen($sent[2]));
        }
        $this->assertSame(0, $DB->count_records('local_rollbook_change', ['timesent' => 0]));
    }

    public function test_sweep_asks_for_sending_and_cleanup_forgets(): void {
        global $DB;
        $this->events();
        $old = time() - 20 * DAYSECS;
        $DB->insert_record('local_rollbook_change', (object) ['kind' => 'account', 'what' => 'changed', 'userid' => 5, 'timecreated' => $old]);
        $DB->insert_record('local_rollbook_key', (object) ['itemkey' => 'k', 'hash' => 'h', 'result' => '{}', 'timecreated' => $old - 20 * DAYSECS]);
        $DB->insert_record('local_rollbook_mark', (object) [
            'kind' => 'enrolment', 'instanceid' => 99999999, 'timecreated' => 1, 'timemodified' => 1,
        ]);
        $this->assertCount(0, \core\task\manager::get_adhoc_tasks('\local_rollbook\task\send_changes'));
        (new task\sweep())->execute();
        (new task\sweep())->execute();
        $this->assertCount(1, \core\task\manager::get_adhoc_tasks('\local_rollbook\task\send_changes'));
        (new task\cleanup())->execute();
        foreach (['change', 'key', 'mark'] as $table) {
            $this->assertSame(0, $DB->count_records("local_rollbook_$table"), $table);
        }
    }
}
