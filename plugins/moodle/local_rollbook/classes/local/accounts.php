<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Accounts, looked up by many values at once over Moodle's indexes, never one by one.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class accounts {
    /** Columns that are read. */
    const COLUMNS = 'id, auth, confirmed, suspended, deleted, mnethostid, username, idnumber, firstname, lastname, email, lang,
        city, country, institution, department, lastaccess, timecreated, timemodified';
    /** Values in one query. */
    const CHUNK = 500;

    /**
     * A value as it is compared: without case and surrounding space. Accents count, whatever the database thinks.
     *
     * @param string|null $value
     * @return string
     */
    public static function fold(?string $value): string {
        return \core_text::strtolower(trim((string) $value));
    }

    /**
     * Accounts by id, deleted ones too.
     *
     * @param int[] $ids
     * @return \stdClass[] by id
     */
    public static function by_id(array $ids): array {
        global $DB;
        $found = [];
        foreach (array_chunk(array_unique($ids), self::CHUNK) as $some) {
            $found += $DB->get_records_list('user', 'id', $some, '', self::COLUMNS);
        }
        return $found;
    }

    /**
     * Accounts that are not deleted and have one of these values, but for case and surrounding space.
     *
     * @param string $column idnumber, email or username
     * @param string[] $values empty ones are not looked for
     * @return \stdClass[] by id
     */
    public static function by_value(string $column, array $values): array {
        global $DB, $CFG;
        // A client may send a spelling of before, and the stored one may have capitals: Moodle lets it.
        $folded = array_values(array_unique(array_filter(array_map([self::class, 'fold'], $values), 'strlen')));
        $wanted = array_flip($folded);
        // Where the server minds case the index cannot help: one pass over the accounts for all values of a chunk.
        $expression = self::minds_case() && $column !== 'username' ? "LOWER($column)" : $column;
        $host = $column === 'username' ? 'mnethostid = :host AND' : '';
        $found = [];
        foreach (array_chunk($folded, self::CHUNK) as $some) {
            [$in, $params] = $DB->get_in_or_equal($some, SQL_PARAMS_NAMED);
            $params['host'] = $CFG->mnet_localhost_id;
            $sql = "$host deleted = 0 AND $expression $in";
            foreach ($DB->get_records_select('user', $sql, $params, 'id', self::COLUMNS) as $user) {
                if (isset($wanted[self::fold($user->$column)])) {
                    $found[$user->id] = $user;
                }
            }
        }
        return $found;
    }

    /**
     * Whether the database compares texts with their case.
     *
     * @return bool
     */
    private static function minds_case(): bool {
        global $DB;
        if ($DB->get_dbfamily() !== 'mysql') {
            return true;
        }
        $collation = $DB->get_dbcollation();
        return substr($collation, -4) === '_bin' || substr($collation, -3) === '_cs';
    }

    /**
     * Why an account is never changed.
     *
     * @param \stdClass $user
     * @return string admin, guest, service or remote; '' where it may be changed
     */
    public static function protection(\stdClass $user): string {
        global $CFG, $USER;
        if (is_siteadmin($user->id)) {
            return 'admin';
        }
        if (isguestuser($user->id)) {
            return 'guest';
        }
        if ((int) $user->id === (int) $USER->id || $user->auth === 'webservice') {
            return 'service';
        }
        return (int) $user->mnethostid === (int) $CFG->mnet_localhost_id ? '' : 'remote';
    }

    /**
     * Whether somebody can sign in to an account.
     *
     * @param \stdClass $user
     * @return string ok, deleted, suspended, unconfirmed, nologin or auth_disabled
     */
    public static function login(\stdClass $user): string {
        if ($user->deleted) {
            return 'deleted';
        }
        if ($user->suspended) {
            return 'suspended';
        }
        if (!$user->confirmed) {
            return 'unconfirmed';
        }
        if ($user->auth === 'nologin') {
            return 'nologin';
        }
        return is_enabled_auth($user->auth) ? 'ok' : 'auth_disabled';
    }

    /**
     * An account as it is answered.
     *
     * @param \stdClass $user
     * @param \stdClass|null $mark
     * @return array
     */
    public static function answer(\stdClass $user, ?\stdClass $mark): array {
        $deleted = (bool) $user->deleted;
        return [
            'id' => (int) $user->id,
            // What Moodle leaves of a deleted account is no name and no address.
            'username' => $deleted ? '' : $user->username,
            'email' => $deleted ? '' : $user->email,
            'idnumber' => $user->idnumber,
            'firstname' => $user->firstname,
            'lastname' => $user->lastname,
            'auth' => $user->auth,
            'suspended' => (bool) $user->suspended,
            'confirmed' => (bool) $user->confirmed,
            'deleted' => $deleted,
            'login' => self::login($user),
            'protected' => self::protection($user),
            'made' => $mark && $mark->made,
            'lastaccess' => (int) $user->lastaccess,
            'timecreated' => (int) $user->timecreated,
            'timemodified' => (int) $user->timemodified,
        ];
    }

    /**
     * Tells an account from the same account after a change that concerns Rollbook.
     *
     * @param \stdClass $user
     * @return string
     */
    public static function digest(\stdClass $user): string {
        return sha1(json_encode([
            $user->idnumber, $user->email, $user->username, $user->firstname, $user->lastname, (int) $user->suspended,
            (int) $user->deleted, (int) $user->confirmed, $user->auth,
        ]));
    }
}
