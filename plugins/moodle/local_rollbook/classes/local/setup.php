<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * The role, the account, the token and the secret by which Rollbook works on this site.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class setup {
    /** What functions and messages look like; grows when a client must be changed. */
    const PROTOCOL = 1;
    /** Short name of the role, the service and, where it is free, the account. */
    const NAME = 'local_rollbook';
    /** What the role may, and what for. */
    const CAPABILITIES = [
        'calls' => ['webservice/rest:use', 'local/rollbook:use', 'local/rollbook:readpeople'],
        'accounts' => [
            'local/rollbook:writeaccounts', 'moodle/user:create', 'moodle/user:update', 'moodle/user:viewdetails',
            'moodle/user:viewalldetails', 'moodle/site:viewuseridentity',
        ],
        'enrolments' => [
            'local/rollbook:enrol', 'moodle/course:view', 'moodle/course:viewhiddencourses', 'moodle/course:enrolreview',
            'moodle/course:viewparticipants', 'moodle/site:accessallgroups', 'enrol/manual:enrol', 'enrol/manual:unenrol',
            'moodle/role:assign', 'report/completion:view',
        ],
        'guilds' => [
            'local/rollbook:cohorts', 'local/rollbook:roles', 'moodle/cohort:manage', 'moodle/cohort:view', 'moodle/cohort:assign',
        ],
    ];

    /**
     * Whether changes are sent: an address and a secret are there, and nobody switched it off.
     *
     * @return bool
     */
    public static function events_on(): bool {
        $config = get_config('local_rollbook');
        return !empty($config->events) && !empty($config->url) && !empty($config->secret);
    }

    /**
     * Rollbook's account.
     *
     * @return int 0 before it was made
     */
    public static function account_id(): int {
        return (int) get_config('local_rollbook', 'accountid');
    }

    /**
     * Every account by which Rollbook works: its own, and those of a service that was extended.
     *
     * @return int[]
     */
    public static function actors(): array {
        $others = array_map('intval', array_filter(explode(',', (string) get_config('local_rollbook', 'actors')), 'strlen'));
        return array_filter(array_merge([self::account_id()], $others));
    }

    /**
     * Makes the role, or gives it what a newer version needs. What an administrator gave it or took from it stays so.
     *
     * @return int
     */
    public static function role(): int {
        global $DB;
        $id = (int) get_config('local_rollbook', 'roleid');
        $new = !$id || !$DB->record_exists('role', ['id' => $id]);
        if ($new) {
            $name = self::NAME;
            for ($number = 2; $DB->record_exists('role', ['shortname' => $name]); $number++) {
                $name = self::NAME . $number;
            }
            $description = get_string('roledescription', 'local_rollbook');
            $id = (int) create_role(get_string('rolename', 'local_rollbook'), $name, $description);
            set_config('roleid', $id, 'local_rollbook');
            set_role_contextlevels($id, [CONTEXT_SYSTEM]);
            foreach (get_archetype_roles('student') as $student) {
                core_role_set_assign_allowed($id, $student->id);
            }
        }
        $system = \context_system::instance();
        $given = $new ? [] : explode(',', (string) get_config('local_rollbook', 'given'));
        $known = array_filter(array_merge(...array_values(self::CAPABILITIES)), 'get_capability_info');
        foreach (array_diff($known, $given) as $capability) {
            assign_capability($capability, CAP_ALLOW, $id, $system->id);
        }
        set_config('given', implode(',', array_unique(array_merge(array_filter($given, 'strlen'), $known))), 'local_rollbook');
        return $id;
    }

    /**
     * What is still to be done before Rollbook can call, as sentences.
     *
     * @return string[]
     */
    public static function missing(): array {
        global $CFG, $DB;
        $missing = [];
        if (empty($CFG->enablewebservices)) {
            $missing[] = get_string('missingwebservices', 'local_rollbook');
        }
        if (!in_array('rest', explode(',', $CFG->webserviceprotocols ?? ''), true)) {
            $missing[] = get_string('missingrest', 'local_rollbook');
        }
        if (!in_array('email', explode(',', $CFG->showuseridentity ?? ''), true)) {
            $missing[] = get_string('missingidentity', 'local_rollbook');
        }
        if (in_array('suspended', explode(',', $CFG->hiddenuserfields ?? ''), true)) {
            $missing[] = get_string('missingsuspended', 'local_rollbook');
        }
        $account = self::account_id();
        $role = (int) get_config('local_rollbook', 'roleid');
        if (!$account || !$DB->record_exists('user', ['id' => $account, 'deleted' => 0, 'suspended' => 0])) {
            $missing[] = get_string('missingaccount', 'local_rollbook');
        } else if (!user_has_role_assignment($account, $role, \context_system::instance()->id)) {
            $missing[] = get_string('missingrole', 'local_rollbook');
        }
        if (!$account || !self::tokens()) {
            $missing[] = get_string('missingtoken', 'local_rollbook');
        }
        return $missing;
    }

    /**
     * Does what is missing, and makes a token.
     *
     * @param bool $renew end the tokens that there are
     * @param string $ip addresses from which the token is taken; empty: any
     * @return string the token
     */
    public static function run(bool $renew, string $ip = ''): string {
        global $CFG, $DB;
        self::settings();
        $role = self::role();
        $account = self::account($role);
        $known = ['component' => 'local_rollbook', 'shortname' => self::NAME];
        $service = $DB->get_record('external_services', $known, '*', MUST_EXIST);
        if (!$service->enabled) {
            $DB->set_field('external_services', 'enabled', 1, ['id' => $service->id]);
        }
        if (!$DB->record_exists('external_services_users', ['externalserviceid' => $service->id, 'userid' => $account])) {
            // No end: Moodle reads that date the wrong way round. A token may have one.
            $DB->insert_record('external_services_users', (object) [
                'externalserviceid' => $service->id, 'userid' => $account, 'timecreated' => time(),
            ]);
        }
        if (!get_config('local_rollbook', 'secret')) {
            set_config('secret', random_string(40), 'local_rollbook');
        }
        $tokens = self::tokens();
        if ($renew && $tokens) {
            $DB->delete_records_list('external_tokens', 'id', array_keys($tokens));
            $tokens = [];
        }
        if ($tokens) {
            return reset($tokens)->token;
        }
        $system = \context_system::instance();
        if (class_exists('\core_external\util')) {
            return \core_external\util::generate_token(EXTERNAL_TOKEN_PERMANENT, $service, $account, $system, 0, $ip);
        }
        require_once($CFG->libdir . '/externallib.php');
        return external_generate_token(EXTERNAL_TOKEN_PERMANENT, $service, $account, $system, 0, $ip);
    }

    /**
     * Settings of the site without which Rollbook cannot call, or not see people.
     */
    private static function settings(): void {
        global $CFG;
        set_config('enablewebservices', 1);
        $with = static function (?string $list, string $word): string {
            $words = array_filter(explode(',', (string) $list), 'strlen');
            return implode(',', array_unique(array_merge($words, [$word])));
        };
        set_config('webserviceprotocols', $with($CFG->webserviceprotocols ?? '', 'rest'));
        set_config('showuseridentity', $with($CFG->showuseridentity ?? '', 'email'));
        $hidden = array_diff(explode(',', $CFG->hiddenuserfields ?? ''), ['suspended']);
        set_config('hiddenuserfields', implode(',', $hidden));
    }

    /**
     * The account, which cannot sign in by browser, with the role in the whole system.
     *
     * @param int $role
     * @return int
     */
    private static function account(int $role): int {
        global $CFG, $DB;
        require_once($CFG->dirroot . '/user/lib.php');
        $id = self::account_id();
        if (!$id || !$DB->record_exists('user', ['id' => $id, 'deleted' => 0])) {
            $name = self::NAME;
            $named = static function (string $name) use ($CFG, $DB): ?\stdClass {
                $where = ['username' => $name, 'mnethostid' => $CFG->mnet_localhost_id];
                return $DB->get_record('user', $where, 'id, auth') ?: null;
            };
            // One that an earlier installation made is taken again; somebody else's is not.
            for ($number = 2; ($found = $named($name)) && $found->auth !== 'webservice'; $number++) {
                $name = self::NAME . $number;
            }
            $id = $found ? (int) $found->id : (int) user_create_user((object) [
                'username' => $name, 'auth' => 'webservice', 'firstname' => 'Rollbook', 'lastname' => 'Service',
                'email' => "$name@rollbook.invalid", 'confirmed' => 1, 'mnethostid' => $CFG->mnet_localhost_id,
                'password' => AUTH_PASSWORD_NOT_CACHED,
            ], false);
            set_config('accountid', $id, 'local_rollbook');
        }
        $DB->set_field('user', 'suspended', 0, ['id' => $id]);
        role_assign($role, $id, \context_system::instance()->id);
        return $id;
    }

    /**
     * The account's tokens that are good.
     *
     * @return \stdClass[]
     */
    private static function tokens(): array {
        global $DB;
        $sql = "SELECT t.id, t.token, t.lastaccess, t.iprestriction
                  FROM {external_tokens} t JOIN {external_services} s ON s.id = t.externalserviceid
                 WHERE s.component = 'local_rollbook' AND t.userid = :userid AND t.tokentype = :type AND t.contextid = :context
                       AND (t.validuntil IS NULL OR t.validuntil = 0 OR t.validuntil > :now)
              ORDER BY t.id";
        return $DB->get_records_sql($sql, [
            'userid' => self::account_id(), 'type' => EXTERNAL_TOKEN_PERMANENT, 'context' => \context_system::instance()->id,
            'now' => time(),
        ]);
    }

    /**
     * Lets a service and a role that were made before this plugin use its functions, so that their token stays good.
     *
     * @param string $name short name of the service; a role and an account are called so too
     * @return bool whether there was such a service
     */
    public static function extend(string $name): bool {
        global $CFG, $DB;
        require_once($CFG->dirroot . '/webservice/lib.php');
        $service = $DB->get_record('external_services', ['shortname' => $name]);
        $role = $DB->get_field('role', 'id', ['shortname' => $name]);
        if (!$service || $service->component || !$role) {
            return false;
        }
        $manager = new \webservice();
        foreach ($DB->get_records('external_functions', ['component' => 'local_rollbook']) as $function) {
            if (!$manager->service_function_exists($function->name, $service->id)) {
                $manager->add_external_function_to_service($function->name, $service->id);
            }
        }
        // Its own capabilities alone: what the role may beyond them, whoever made it has decided.
        $system = \context_system::instance();
        foreach (array_merge(...array_values(self::CAPABILITIES)) as $capability) {
            if (strpos($capability, 'local/rollbook:') === 0) {
                assign_capability($capability, CAP_ALLOW, (int) $role, $system->id);
            }
        }
        $users = $DB->get_fieldset_select('external_services_users', 'userid', 'externalserviceid = ?', [$service->id]);
        set_config('actors', implode(',', $users), 'local_rollbook');
        return true;
    }

    /**
     * Takes away what Moodle does not when it removes a plugin.
     */
    public static function remove(): void {
        global $DB;
        // What Rollbook gave stays given, as if by hand, and so do cohorts.
        $DB->set_field('role_assignments', 'itemid', 0, ['component' => role_writer::COMPONENT]);
        $DB->set_field('role_assignments', 'component', '', ['component' => role_writer::COMPONENT]);
        $DB->set_field('cohort', 'component', '', ['component' => cohorts::COMPONENT]);
        // A service that was extended does not lose them by itself.
        $ours = $DB->sql_like('functionname', ':name');
        $DB->delete_records_select('external_services_functions', $ours, ['name' => 'local\_rollbook\_%']);
        $role = (int) get_config('local_rollbook', 'roleid');
        if ($role && $DB->record_exists('role', ['id' => $role])) {
            delete_role($role);
        }
        $account = self::account_id();
        if ($account) {
            $DB->set_field('user', 'suspended', 1, ['id' => $account]);
        }
    }
}
