<?php
// Rollbook - the Moodle side: a service account with the least rights that Rollbook needs, and its token.
// Copyright (C) 2026 The Rollbook authors. GPL-3.0-or-later.
//
// Run on the Moodle server, as the user of its web server, with the same PHP:
//
//   sudo -u www-data php rollbook-setup.php --moodle=/var/www/moodle --for=intake
//
// It makes, or brings up to date, a role, an account, an external service and a token, all named after --account, and
// switches REST web services on. It may be run again at any time: what is right already stays, and the token too. It
// changes nothing that it did not make, the four site settings that it names apart. The token alone goes to standard
// output; everything else to standard error.

define('CLI_SCRIPT', true);

const MARK = 'Made by rollbook-setup.php; run it again to change it.';

const HELP = <<<'TEXT'
php rollbook-setup.php --moodle=FOLDER [options]

  --moodle=FOLDER   where Moodle's config.php is
  --for=LIST        intake, completions, guilds, corrections; with commas between them [intake]
  --assign=LIST     short names of the roles that may be given [student]
  --account=NAME    user name of the account; role and service are called so too [rollbook]
  --mail=ADDRESS    the account's mail address [NAME@rollbook.invalid]
  --ip=LIST         addresses or subnets from which a new token is taken [any]
  --new-token       make the old tokens of the account invalid and print a new one
  --check           change nothing; say what would be changed, and end with 1 if anything would

For the live suite only, each with an --account of its own and never on a site with learners:
  --for=fixtures    may make and delete courses and accounts, and delete cohorts
  --for=nothing     may call, and see nothing

TEXT;

// What each use needs: capabilities (in the system context) and web service functions.
const NEEDS = [
    'intake' => [
        [
            'moodle/user:create', 'moodle/user:viewdetails', 'moodle/user:viewalldetails', 'moodle/site:viewuseridentity',
            'moodle/course:view', 'moodle/course:viewhiddencourses', 'moodle/course:enrolreview', 'moodle/site:accessallgroups',
            'enrol/manual:enrol', 'moodle/role:assign',
        ],
        [
            'core_user_get_users_by_field', 'core_user_create_users', 'core_course_get_courses_by_field',
            'core_enrol_get_enrolled_users', 'core_enrol_get_users_courses', 'enrol_manual_enrol_users',
        ],
    ],
    'completions' => [
        [
            'moodle/user:viewdetails', 'moodle/user:viewalldetails', 'moodle/site:viewuseridentity', 'moodle/course:view',
            'moodle/course:viewhiddencourses', 'moodle/course:viewparticipants', 'moodle/site:accessallgroups',
            'report/completion:view',
        ],
        [
            'core_user_get_users_by_field', 'core_course_get_courses_by_field', 'core_enrol_get_users_courses',
            'core_completion_get_course_completion_status',
        ],
    ],
    'guilds' => [
        [
            'moodle/user:create', 'moodle/user:viewdetails', 'moodle/user:viewalldetails', 'moodle/site:viewuseridentity',
            'moodle/cohort:manage', 'moodle/cohort:view', 'moodle/cohort:assign', 'moodle/role:assign',
        ],
        [
            'core_user_get_users_by_field', 'core_user_create_users', 'core_cohort_get_cohorts',
            'core_cohort_get_cohort_members', 'core_cohort_create_cohorts', 'core_cohort_update_cohorts',
            'core_cohort_add_cohort_members', 'core_cohort_delete_cohort_members', 'core_cohort_search_cohorts',
            'core_cohort_delete_cohorts', 'core_role_assign_roles', 'core_role_unassign_roles',
        ],
    ],
    'corrections' => [
        ['moodle/user:update'],
        ['core_user_update_users'],
    ],
    'fixtures' => [
        [
            'moodle/user:create', 'moodle/user:update', 'moodle/user:delete', 'moodle/user:viewdetails',
            'moodle/user:viewalldetails', 'moodle/site:viewuseridentity', 'moodle/course:create', 'moodle/course:delete',
            'moodle/course:view', 'moodle/course:viewhiddencourses', 'moodle/course:visibility', 'moodle/course:update',
            'moodle/cohort:manage',
        ],
        [
            'core_user_get_users_by_field', 'core_user_create_users', 'core_user_update_users', 'core_user_delete_users',
            'core_course_get_courses_by_field', 'core_course_create_courses', 'core_course_delete_courses',
            'core_cohort_get_cohorts', 'core_cohort_delete_cohorts',
        ],
    ],
    'nothing' => [
        [],
        [
            'core_user_get_users_by_field', 'core_user_create_users', 'core_course_get_courses_by_field',
            'core_enrol_get_enrolled_users', 'core_enrol_get_users_courses', 'enrol_manual_enrol_users',
            'core_cohort_create_cohorts', 'core_role_assign_roles',
        ],
    ],
];

$given = getopt('', ['moodle:', 'for:', 'assign:', 'account:', 'mail:', 'ip:', 'new-token', 'check', 'help']);
if (isset($given['help']) || !isset($given['moodle']) || !is_file($given['moodle'] . '/config.php')) {
    fwrite(STDERR, HELP);
    exit(2);
}
require($given['moodle'] . '/config.php');
require_once($CFG->dirroot . '/user/lib.php');
require_once($CFG->dirroot . '/webservice/lib.php');

$name = core_text::strtolower($given['account'] ?? 'rollbook');
$uses = words($given['for'] ?? 'intake');
$checking = isset($given['check']);
$changes = 0;
if (!preg_match('/^[a-z][a-z0-9_]{1,39}$/', $name)) {
    stop('the account may have 2 to 40 letters, digits and _, and begins with a letter');
}
foreach ($uses as $use) {
    isset(NEEDS[$use]) || stop("there is no use called $use");
}
$capabilities = ['webservice/rest:use'];
$functions = ['core_webservice_get_site_info'];
foreach ($uses as $use) {
    $capabilities = array_unique(array_merge($capabilities, NEEDS[$use][0]));
    $functions = array_unique(array_merge($functions, NEEDS[$use][1]));
}
$assignable = in_array('moodle/role:assign', $capabilities) ? words($given['assign'] ?? 'student') : [];
$system = context_system::instance();

settings();
$roleid = role($name, $capabilities, $assignable);
$userid = account($name, $given['mail'] ?? "$name@rollbook.invalid", $roleid);
$serviceid = service($name, $functions, $userid);
$token = token($serviceid, $userid, $given['ip'] ?? '', isset($given['new-token']));
if ($checking) {
    say($changes === 0 ? 'nothing would be changed' : "$changes changes would be made");
    exit($changes === 0 ? 0 : 1);
}
say($changes === 0 ? 'everything was as it should be' : "$changes changes were made");
say('The token, which belongs into a file that only Rollbook can read:');
echo "$token\n";

/** Switches on what the account needs of the site. */
function settings(): void {
    global $CFG;
    if (empty($CFG->enablewebservices) && change('web services are switched on')) {
        set_config('enablewebservices', 1);
    }
    $protocols = words($CFG->webserviceprotocols ?? '');
    if (!in_array('rest', $protocols) && change('the REST protocol is switched on')) {
        set_config('webserviceprotocols', implode(',', array_merge($protocols, ['rest'])));
    }
    $identity = words($CFG->showuseridentity ?? '');
    if (!in_array('email', $identity) && change('email is added to showuseridentity')) {
        set_config('showuseridentity', implode(',', array_merge($identity, ['email'])));
    }
    $hidden = words($CFG->hiddenuserfields ?? '');
    if (in_array('suspended', $hidden) && change('suspended is taken from hiddenuserfields')) {
        set_config('hiddenuserfields', implode(',', array_diff($hidden, ['suspended'])));
    }
    if (!enrol_is_enabled('manual')) {
        say('! the manual enrolment plugin is off: nobody can be enrolled before it is switched on');
    }
}

/** The role, with exactly these capabilities and exactly these roles to give. */
function role(string $name, array $capabilities, array $assignable): int {
    global $DB, $system;
    $role = $DB->get_record('role', ['shortname' => $name]);
    if ($role && strpos($role->description, MARK) === false) {
        stop("there is a role $name that was not made here: choose another --account");
    }
    // A check goes on with the id 0, which has nothing yet: it tells everything that would be done.
    $id = $role ? (int) $role->id : (change("the role $name is made") ? create_role("Rollbook ($name)", $name, MARK) : 0);
    if (array_map('intval', array_values(get_role_contextlevels($id))) !== [CONTEXT_SYSTEM] && change('the role is for the system context')) {
        set_role_contextlevels($id, [CONTEXT_SYSTEM]);
    }
    $has = $DB->get_records_menu('role_capabilities', ['roleid' => $id, 'contextid' => $system->id], '', 'capability, permission');
    foreach ($capabilities as $capability) {
        if (!get_capability_info($capability)) {
            say("! this Moodle has no capability $capability");
        } else if ((int) ($has[$capability] ?? 0) !== CAP_ALLOW && change("the role may $capability")) {
            assign_capability($capability, CAP_ALLOW, $id, $system->id, true);
        }
    }
    foreach (array_diff(array_keys($has), $capabilities) as $capability) {
        if (change("the role may no longer $capability")) {
            unassign_capability($capability, $id, $system->id);
        }
    }
    $given = $DB->get_records_menu('role_allow_assign', ['roleid' => $id], '', 'allowassign, id');
    $wanted = [];
    foreach ($assignable as $shortname) {
        $target = $DB->get_field('role', 'id', ['shortname' => $shortname]) ?: stop("there is no role $shortname");
        $wanted[] = (int) $target;
        if (!isset($given[$target]) && change("the role may give $shortname")) {
            core_role_set_assign_allowed($id, $target);
        }
    }
    foreach (array_diff(array_keys($given), $wanted) as $target) {
        if (change("the role may no longer give role $target")) {
            $DB->delete_records('role_allow_assign', ['roleid' => $id, 'allowassign' => $target]);
        }
    }
    return $id;
}

/** The account, which cannot sign in by browser, with the role in the whole system. */
function account(string $name, string $mail, int $roleid): int {
    global $DB, $CFG, $system;
    $user = $DB->get_record('user', ['username' => $name, 'mnethostid' => $CFG->mnet_localhost_id, 'deleted' => 0]);
    if ($user && $user->auth !== 'webservice') {
        stop("there is an account $name that signs in by $user->auth: choose another --account");
    }
    if (!$user && !change("the account $name is made")) {
        change('the account has the role');
        return 0;
    }
    $id = $user ? (int) $user->id : user_create_user((object) [
        'username' => $name, 'auth' => 'webservice', 'firstname' => 'Rollbook', 'lastname' => 'Service', 'email' => $mail,
        'confirmed' => 1, 'mnethostid' => $CFG->mnet_localhost_id, 'password' => AUTH_PASSWORD_NOT_CACHED,
    ], false);
    if ($user && $user->suspended && change('the account is no longer suspended')) {
        $DB->set_field('user', 'suspended', 0, ['id' => $id]);
    }
    if ($roleid && !user_has_role_assignment($id, $roleid, $system->id) && change('the account has the role')) {
        role_assign($roleid, $id, $system->id);
    }
    return $id;
}

/** The external service with exactly these functions, for this account alone. */
function service(string $name, array $functions, int $userid): int {
    global $DB;
    $manager = new webservice();
    $service = $manager->get_external_service_by_shortname($name, IGNORE_MISSING);
    if ($service && $service->component) {
        stop("the service $name belongs to a plugin: choose another --account");
    }
    $id = $service ? (int) $service->id : 0;
    if (!$service && change("the service $name is made")) {
        $id = $manager->add_external_service((object) [
            'name' => "Rollbook ($name)", 'shortname' => $name, 'enabled' => 1, 'restrictedusers' => 1,
            'requiredcapability' => '', 'downloadfiles' => 0, 'uploadfiles' => 0,
        ]);
    }
    if ($service && (!$service->enabled || !$service->restrictedusers) && change('the service is on, for its own users alone')) {
        $DB->update_record('external_services', (object) ['id' => $id, 'enabled' => 1, 'restrictedusers' => 1]);
    }
    $has = $DB->get_fieldset_select('external_services_functions', 'functionname', 'externalserviceid = ?', [$id]);
    foreach (array_diff($functions, $has) as $function) {
        if (!$DB->record_exists('external_functions', ['name' => $function])) {
            say("! this Moodle has no function $function");
        } else if (change("the service has $function")) {
            $manager->add_external_function_to_service($function, $id);
        }
    }
    foreach (array_diff($has, $functions) as $function) {
        if (change("the service no longer has $function")) {
            $manager->remove_external_function_from_service($function, $id);
        }
    }
    // No end: Moodle reads that date the wrong way round and would refuse one that lies ahead. A token may have one.
    $admitted = $DB->get_record('external_services_users', ['externalserviceid' => $id, 'userid' => $userid]);
    if (!$admitted && change('the account may use the service')) {
        $manager->add_ws_authorised_user((object) ['externalserviceid' => $id, 'userid' => $userid]);
    } else if ($admitted && $admitted->validuntil && change('the account may use the service without an end')) {
        $DB->set_field('external_services_users', 'validuntil', null, ['id' => $admitted->id]);
    }
    return $id;
}

/** The account's token: the one that there is, or a new one. */
function token(int $serviceid, int $userid, string $ip, bool $renew): string {
    global $DB, $CFG, $system;
    $own = ['externalserviceid' => $serviceid, 'userid' => $userid, 'tokentype' => 0];
    if ($renew && $DB->record_exists('external_tokens', $own) && change('the old tokens are deleted')) {
        $DB->delete_records('external_tokens', $own);
    }
    foreach ($DB->get_records('external_tokens', $own, 'id') as $token) {
        if ((int) $token->contextid === (int) $system->id && (!$token->validuntil || $token->validuntil > time())) {
            return $token->token;
        }
    }
    if (!change('a token is made')) {
        return '';
    }
    if (class_exists('\core_external\util')) {
        return \core_external\util::generate_token(
            EXTERNAL_TOKEN_PERMANENT, $DB->get_record('external_services', ['id' => $serviceid]), $userid, $system, 0, $ip);
    }
    require_once($CFG->libdir . '/externallib.php');
    return external_generate_token(EXTERNAL_TOKEN_PERMANENT, $serviceid, $userid, $system, 0, $ip);
}

/** Says what is changed, and whether it may be. */
function change(string $what): bool {
    global $changes, $checking;
    $changes++;
    say("+ $what");
    return !$checking;
}

function words(string $list): array {
    return array_values(array_filter(array_map('trim', explode(',', $list)), 'strlen'));
}

function say(string $words): void {
    fwrite(STDERR, "$words\n");
}

/** @return never */
function stop(string $why) {
    say("! $why");
    exit(1);
}
