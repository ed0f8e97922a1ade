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
 * Making, changing and finding accounts.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 * @covers \local_rollbook\external\upsert_accounts
 * @covers \local_rollbook\external\find_accounts
 * @covers \local_rollbook\local\account_writer
 * @covers \local_rollbook\local\batch
 */
final class accounts_test extends testcase {
    public function test_account_is_made_once_for_a_key(): void {
        global $DB;
        $one = $this->apply('upsert_accounts', $this->person('anna'))[0];
        $this->assertSame(['done', 'created', false], [$one['status'], $one['did'], $one['repeated']]);
        $user = $DB->get_record('user', ['id' => $one['account']['id']], '*', MUST_EXIST);
        $this->assertSame(
            ['anna@example.org', 'GUID-anna', 'oauth2', '1', 'not cached'],
            [$user->username, $user->idnumber, $user->auth, $user->confirmed, $user->password]
        );
        $this->assertTrue($DB->record_exists('context', ['contextlevel' => CONTEXT_USER, 'instanceid' => $user->id]));

        $again = $this->apply('upsert_accounts', $this->person('anna'))[0];
        $this->assertSame(['done', 'created', true], [$again['status'], $again['did'], $again['repeated']]);
        $this->assertSame($one['account'], $again['account']);

        $other = $this->apply('upsert_accounts', $this->person('anna', ['lastname' => 'Other']))[0];
        $this->assertSame(['failed', 'key_conflict'], [$other['status'], $other['code']]);

        $without = $this->apply('upsert_accounts', $this->person('anna', ['key' => '']))[0];
        $this->assertSame(['unchanged', []], [$without['status'], $without['differs']]);
        $this->assertSame(1, $DB->count_records('user', ['idnumber' => 'GUID-anna']));
    }

    public function test_key_counts_within_one_call_too(): void {
        $results = $this->apply('upsert_accounts', $this->person('anna'), $this->person('anna'));
        $this->assertSame(['done', 'done'], array_column($results, 'status'));
        $this->assertSame([false, true], array_column($results, 'repeated'));
    }

    public function test_bad_item_spoils_no_other(): void {
        global $DB;
        $results = $this->apply(
            'upsert_accounts',
            $this->person('anna'),
            $this->person('bert', ['username' => 'Bert Big']),
            $this->person('carl', ['email' => 'ANNA@example.org']),
            $this->person('dora', ['idnumber' => 'guid-ANNA']),
            $this->person('emil', ['lastname' => '']),
            $this->person('fred', ['firstname' => '<b>Fred</b>']),
            $this->person('gina', ['auth' => 'nosuch']),
            $this->person('hans', ['auth' => 'manual']),
            $this->person('ilse', ['lastname' => str_repeat('é', 101)]),
            $this->person('jack', ['email' => 'jack']),
            $this->person('kira', ['create' => 0]),
            $this->person('lars')
        );
        $this->assertSame(
            [
                '', 'invalid_username', 'email_taken', '', 'field_missing', 'invalid_firstname', 'invalid_auth', 'auth_needs_password',
                'too_long', 'invalid_email', 'account_missing', '',
            ],
            array_column($results, 'code')
        );
        $anna = $results[0]['account']['id'];
        $this->assertSame([$anna], $results[2]['others']);
        // An ID number is found without case; nothing was to be updated.
        $this->assertSame(['unchanged', $anna], [$results[3]['status'], $results[3]['account']['id']]);
        $this->assertSame(2, $DB->count_records_select('user', "idnumber LIKE 'GUID-%'"));
    }

    public function test_item_that_fails_after_it_wrote_leaves_nothing(): void {
        global $DB;
        $prepared = 0;
        $work = static function () use (&$prepared): callable {
            $prepared++;
            return static function (array $item): array {
                global $DB;
                $DB->insert_record('local_rollbook_run', (object) [
                    'runid' => $item['key'], 'link' => '', 'flow' => '', 'state' => '', 'timebegan' => 0,
                ]);
                switch ($item['key']) {
                    case 'refused':
                        throw new local\refusal('reason', 'words');
                    case 'moodle':
                        throw new \moodle_exception('invaliduser');
                    case 'php':
                        throw new \TypeError('words');
                    case 'database':
                        $DB->insert_record('local_rollbook_run', (object) [
                            'runid' => 'one', 'link' => '', 'flow' => '', 'state' => '', 'timebegan' => 0,
                        ]);
                }
                return ['done', []];
            };
        };
        $items = array_map(static function (string $key): array {
            return ['key' => $key];
        }, ['one', 'refused', 'two', 'moodle', 'php', 'database', 'three']);
        $results = local\batch::run('test', $items, 10, $work);
        $this->assertSame(['', 'reason', '', 'refused', 'internal', 'conflict', ''], array_column($results, 'code'));
        $this->assertEqualsCanonicalizing(
            ['one', 'two', 'three'],
            $DB->get_fieldset_select('local_rollbook_run', 'runid', '1 = 1')
        );
        $this->assertGreaterThan(1, $prepared, 'what was looked up is looked up again after a failure');
        $again = local\batch::run('test', $items, 10, $work);
        $this->assertSame([true, false, true, false, false, false, true], array_column($again, 'repeated'));
    }

    public function test_update_changes_what_differs_and_says_what_was(): void {
        global $DB;
        $id = $this->made('anna');
        $item = [
            'key' => 'up', 'idnumber' => 'GUID-anna', 'lastname' => 'Neu', 'email' => 'anna.neu@example.org', 'suspended' => 1,
        ];
        $seen = $this->apply('upsert_accounts', ['update' => 0, 'key' => ''] + $item)[0];
        $this->assertSame('unchanged', $seen['status']);
        $this->assertEqualsCanonicalizing(['lastname', 'email', 'suspended'], $seen['differs']);

        $done = $this->apply('upsert_accounts', ['update' => 1] + $item)[0];
        $this->assertSame(['done', 'updated'], [$done['status'], $done['did']]);
        $this->assertEqualsCanonicalizing([
            ['field' => 'lastname', 'value' => 'Example'],
            ['field' => 'email', 'value' => 'anna@example.org'],
            ['field' => 'suspended', 'value' => '0'],
        ], $done['before']);
        $user = $DB->get_record('user', ['id' => $id]);
        $this->assertSame(['Neu', 'anna.neu@example.org', '1'], [$user->lastname, $user->email, $user->suspended]);
        $this->assertSame('suspended', $done['account']['login']);
    }

    public function test_values_that_changed_hands_in_a_call_are_free(): void {
        $this->made('anna');
        $results = $this->apply(
            'upsert_accounts',
            ['idnumber' => 'GUID-anna', 'username' => 'a@example.org', 'email' => 'a@example.org', 'update' => 1],
            $this->person('bert', ['username' => 'anna@example.org', 'email' => 'anna@example.org'])
        );
        $this->assertSame(['done', 'done'], array_column($results, 'status'));
    }

    public function test_two_holders_of_an_id_number_are_told(): void {
        $one = $this->getDataGenerator()->create_user(['idnumber' => 'TWICE']);
        $two = $this->getDataGenerator()->create_user(['idnumber' => 'twice']);
        $result = $this->apply('upsert_accounts', $this->person('anna', ['idnumber' => 'Twice']))[0];
        $this->assertSame('two_accounts', $result['code']);
        $this->assertEqualsCanonicalizing([(int) $one->id, (int) $two->id], $result['others']);
    }

    public function test_protected_accounts_stay_as_they_are(): void {
        $results = $this->apply(
            'upsert_accounts',
            ['id' => get_admin()->id, 'lastname' => 'Neu', 'update' => 1],
            ['id' => guest_user()->id, 'lastname' => 'Neu', 'update' => 1],
            ['id' => $this->account, 'lastname' => 'Neu', 'update' => 1]
        );
        $this->assertSame(['protected', 'protected', 'protected'], array_column($results, 'code'));
        $this->assertSame(['admin', 'guest', 'service'], array_column($results, 'message'));
    }

    public function test_call_needs_the_capability_and_item_needs_moodles(): void {
        unassign_capability('moodle/user:create', get_config('local_rollbook', 'roleid'));
        accesslib_clear_all_caches_for_unit_testing();
        $result = $this->apply('upsert_accounts', $this->person('anna'))[0];
        $this->assertSame(['no_permission', 'moodle/user:create'], [$result['code'], $result['message']]);
        $this->setUser($this->getDataGenerator()->create_user());
        $this->expectException(\required_capability_exception::class);
        $this->apply('upsert_accounts', $this->person('anna'));
    }

    public function test_more_than_allowed_is_refused_before_anything_is_done(): void {
        global $DB;
        $items = array_fill(0, local\limits::ACCOUNTS + 1, $this->person('anna', ['key' => '']));
        try {
            $this->apply('upsert_accounts', ...$items);
            $this->fail('taken');
        } catch (\moodle_exception $error) {
            $this->assertSame('toomany', $error->errorcode);
        }
        $this->assertFalse($DB->record_exists('user', ['idnumber' => 'GUID-anna']));
    }

    public function test_password_is_left_to_cron(): void {
        $sink = $this->redirectEmails();
        $result = $this->apply('upsert_accounts', $this->person('anna', ['auth' => 'manual', 'createpassword' => 1]))[0];
        $this->assertSame('done', $result['status']);
        $this->assertSame(0, $sink->count());
        $this->assertSame('1', get_user_preferences('create_password', '', $result['account']['id']));
    }

    public function test_accounts_are_found_by_any_name(): void {
        $anna = $this->made('anna');
        $bert = $this->made('bert');
        $gone = $this->getDataGenerator()->create_user(['idnumber' => 'GONE']);
        delete_user($gone);
        $this->getDataGenerator()->create_user(['email' => 'ännä@example.org', 'idnumber' => 'ännä']);
        $found = $this->call('find_accounts', [
            'ids' => "$gone->id", 'idnumbers' => [' guid-ANNA ', 'GONE', '', 'nobody'], 'emails' => ['BERT@example.org', 'anna@example.org'],
        ])['accounts'];
        $this->assertEqualsCanonicalizing([$anna, $bert, (int) $gone->id], array_column($found, 'id'));
        $found = array_column($found, null, 'id');
        $this->assertSame([true, '', 'deleted'], [$found[$gone->id]['deleted'], $found[$gone->id]['email'], $found[$gone->id]['login']]);
        $this->assertTrue($found[$anna]['made']);
    }
}
