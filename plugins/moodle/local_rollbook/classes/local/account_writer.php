<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Makes and changes accounts. What Moodle's own function looks up for each account is looked up for all at once.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class account_writer {
    /** Fields that an item may set, with the most characters that Moodle keeps. */
    const FIELDS = [
        'idnumber' => 255, 'username' => 100, 'email' => 100, 'firstname' => 100, 'lastname' => 100, 'auth' => 20, 'lang' => 30,
        'city' => 120, 'country' => 2, 'institution' => 255, 'department' => 255,
    ];

    /** @var \stdClass[] accounts by id, deleted ones too */
    private $users = [];
    /** @var array ids by folded value, by column */
    private $index = ['idnumber' => [], 'email' => [], 'username' => []];
    /** @var \stdClass[] marks by account */
    private $marks = [];
    /** @var bool[] whether methods of signing in keep passwords in Moodle */
    private $internal = [];
    /** @var bool[] what the caller may, by capability */
    private $may = [];

    /**
     * Looks up everything that the items are about.
     *
     * @param array $items
     */
    public function prepare(array $items): void {
        foreach (accounts::by_id(array_filter(array_column($items, 'id'))) as $user) {
            $this->add($user);
        }
        foreach (array_keys($this->index) as $column) {
            foreach (accounts::by_value($column, array_column($items, $column)) as $user) {
                $this->add($user);
            }
        }
        $this->marks = marks::of('account', array_keys($this->users));
        foreach (['moodle/user:create', 'moodle/user:update'] as $capability) {
            $this->may[$capability] = has_capability($capability, \context_system::instance());
        }
    }

    /**
     * Makes or changes one account.
     *
     * @param array $item
     * @return array status and fields of the result
     */
    public function write(array $item): array {
        $wanted = $this->wanted($item);
        $user = $this->find($item);
        if (!$user && !$item['create']) {
            throw new refusal('account_missing', 'there is no such account');
        }
        return $user ? $this->change($item, $user, $wanted) : $this->make($item, $wanted);
    }

    /**
     * The account that an item is about: by id, else by ID number.
     *
     * @param array $item
     * @return \stdClass|null
     */
    private function find(array $item): ?\stdClass {
        if ($item['id'] > 0) {
            $user = $this->users[$item['id']] ?? null;
            if (!$user || $user->deleted) {
                throw new refusal($user ? 'account_deleted' : 'account_missing', 'there is no such account');
            }
            return $user;
        }
        $holders = $this->holders('idnumber', $item['idnumber'] ?? '');
        if (count($holders) > 1) {
            throw new refusal('two_accounts', 'more than one account has this ID number', ['others' => array_keys($holders)]);
        }
        return $holders ? reset($holders) : null;
    }

    /**
     * Makes an account.
     *
     * @param array $item
     * @param array $wanted
     * @return array
     */
    private function make(array $item, array $wanted): array {
        global $CFG;
        require_once($CFG->dirroot . '/user/lib.php');
        if (!$this->may['moodle/user:create']) {
            throw new refusal('no_permission', 'moodle/user:create');
        }
        foreach (['idnumber', 'username', 'email', 'firstname', 'lastname'] as $field) {
            if (trim($wanted[$field] ?? '') === '') {
                throw new refusal('field_missing', $field);
            }
        }
        $this->check_taken($wanted, 0);
        $auth = $wanted['auth'] ?? 'manual';
        $internal = $this->keeps_passwords($auth);
        if ($internal && !$item['createpassword']) {
            throw new refusal('auth_needs_password', $auth);
        }
        $user = (object) ($wanted + ['auth' => $auth]);
        $user->confirmed = 1;
        $user->mnethostid = $CFG->mnet_localhost_id;
        $user->suspended = (int) ($item['suspended'] ?? 0);
        $user->password = $internal ? '' : AUTH_PASSWORD_NOT_CACHED;
        $id = (int) user_create_user($user, false);
        if ($item['createpassword'] && $internal) {
            // Moodle's cron makes the password and mails it: no mail in this call.
            set_user_preference('create_password', 1, $id);
            set_user_preference('auth_forcepasswordchange', 1, $id);
        }
        $made = (object) ((array) $user + [
            'id' => $id, 'deleted' => 0, 'lastaccess' => 0, 'lang' => $CFG->lang, 'city' => '', 'country' => '',
            'institution' => '', 'department' => '',
        ]);
        $made->id = $id;
        $this->mark($made, $item, ['made' => 1, 'owned' => 1, 'did' => 'created']);
        $this->add($made);
        return ['done', ['did' => 'created', 'account' => accounts::answer($made, $this->marks[$id])]];
    }

    /**
     * Changes what differs in an account.
     *
     * @param array $item
     * @param \stdClass $user
     * @param array $wanted
     * @return array
     */
    private function change(array $item, \stdClass $user, array $wanted): array {
        global $CFG;
        require_once($CFG->dirroot . '/user/lib.php');
        if (isset($item['suspended'])) {
            $wanted['suspended'] = (int) $item['suspended'];
        }
        $before = [];
        foreach ($wanted as $field => $value) {
            if ((string) $user->$field !== (string) $value) {
                $before[] = ['field' => $field, 'value' => (string) $user->$field];
            }
        }
        $known = ['account' => accounts::answer($user, $this->marks[$user->id] ?? null)];
        if (!$before || !$item['update']) {
            if (!empty($item['note'])) {
                $this->mark($user, $item, []);
            }
            $differs = array_column($before, 'field');
            return ['unchanged', ['did' => '', 'differs' => $differs] + $known];
        }
        if (!$this->may['moodle/user:update']) {
            throw new refusal('no_permission', 'moodle/user:update', $known);
        }
        if ($protection = accounts::protection($user)) {
            throw new refusal('protected', $protection, $known);
        }
        $changes = array_intersect_key($wanted, array_flip(array_column($before, 'field')));
        $this->check_taken($changes, (int) $user->id, $known);
        if (isset($changes['auth']) && $this->keeps_passwords($changes['auth'])) {
            throw new refusal('auth_needs_password', $changes['auth'], $known);
        }
        user_update_user((object) (['id' => $user->id] + $changes), false);
        if (!empty($changes['suspended'])) {
            $end = method_exists('\core\session\manager', 'destroy_user_sessions') ? 'destroy_user_sessions' : 'kill_user_sessions';
            \core\session\manager::$end($user->id);
        }
        $now = (object) ($changes + (array) $user);
        $now->timemodified = time();
        $this->drop($user);
        $this->add($now);
        $this->mark($now, $item, ['did' => 'changed ' . implode(', ', array_keys($changes))]);
        return ['done', [
            'did' => 'updated', 'before' => $before, 'account' => accounts::answer($now, $this->marks[$now->id]),
        ]];
    }

    /**
     * Whether a method of signing in keeps passwords in Moodle.
     *
     * @param string $auth
     * @return bool
     */
    private function keeps_passwords(string $auth): bool {
        // Moodle makes the method anew each time it is asked for.
        $this->internal[$auth] = $this->internal[$auth] ?? get_auth_plugin($auth)->is_internal();
        return $this->internal[$auth];
    }

    /**
     * The fields that an item sets, each in the form that Moodle takes.
     *
     * @param array $item
     * @return array
     */
    private function wanted(array $item): array {
        $wanted = [];
        foreach (self::FIELDS as $field => $length) {
            if (!isset($item[$field])) {
                continue;
            }
            $value = $item[$field];
            if (\core_text::strlen($value) > $length) {
                throw new refusal('too_long', "$field has more than $length characters");
            }
            if ($value !== (string) \core_user::clean_field($value, $field)) {
                throw new refusal("invalid_$field", "Moodle does not take this $field");
            }
            $wanted[$field] = $value;
        }
        foreach (['username', 'email', 'firstname', 'lastname'] as $field) {
            if (isset($wanted[$field]) && trim($wanted[$field]) === '') {
                throw new refusal('field_missing', $field);
            }
        }
        if (isset($wanted['username']) && $wanted['username'] !== \core_text::strtolower($wanted['username'])) {
            throw new refusal('invalid_username', 'Moodle takes user names in lower case');
        }
        if (isset($wanted['email']) && !validate_email($wanted['email'])) {
            throw new refusal('invalid_email', 'Moodle does not take this mail address');
        }
        $auth = $wanted['auth'] ?? null;
        if ($auth !== null && (in_array($auth, ['mnet', 'webservice', 'nologin'], true) || !exists_auth_plugin($auth))) {
            throw new refusal('invalid_auth', $auth);
        }
        return $wanted;
    }

    /**
     * Refuses what another account has.
     *
     * @param array $fields
     * @param int $id the account that may have it
     * @param array $known
     */
    private function check_taken(array $fields, int $id, array $known = []): void {
        global $CFG;
        foreach (['idnumber', 'username', 'email'] as $field) {
            $others = array_diff(array_keys($this->holders($field, $fields[$field] ?? '')), [$id]);
            if ($others && !($field === 'email' && !empty($CFG->allowaccountssameemail))) {
                $known['others'] = array_values($others);
                throw new refusal("{$field}_taken", "another account has this $field", $known);
            }
        }
    }

    /**
     * Who has a value.
     *
     * @param string $column
     * @param string $value
     * @return \stdClass[] by id
     */
    private function holders(string $column, string $value): array {
        $folded = accounts::fold($value);
        return $folded === '' ? [] : array_intersect_key($this->users, $this->index[$column][$folded] ?? []);
    }

    /**
     * Learns an account.
     *
     * @param \stdClass $user
     */
    private function add(\stdClass $user): void {
        $this->users[(int) $user->id] = $user;
        if (!$user->deleted) {
            foreach (array_keys($this->index) as $column) {
                $this->index[$column][accounts::fold($user->$column)][(int) $user->id] = true;
            }
        }
    }

    /**
     * Forgets an account's values.
     *
     * @param \stdClass $user
     */
    private function drop(\stdClass $user): void {
        unset($this->users[(int) $user->id]);
        foreach (array_keys($this->index) as $column) {
            unset($this->index[$column][accounts::fold($user->$column)][(int) $user->id]);
        }
    }

    /**
     * Marks an account.
     *
     * @param \stdClass $user
     * @param array $item
     * @param array $fields
     */
    private function mark(\stdClass $user, array $item, array $fields): void {
        $id = (int) $user->id;
        $fields += marks::said($item) + [
            'kind' => 'account', 'instanceid' => $id, 'userid' => $id, 'digest' => accounts::digest($user),
        ];
        $this->marks[$id] = marks::write($this->marks[$id] ?? null, $fields);
    }
}
