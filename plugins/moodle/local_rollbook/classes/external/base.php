<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\external;

defined('MOODLE_INTERNAL') || die();

// Moodle 4.1 has these classes without namespace.
if (!class_exists('\core_external\external_api')) {
    global $CFG;
    require_once($CFG->libdir . '/externallib.php');
    foreach (['api', 'value', 'single_structure', 'multiple_structure', 'function_parameters'] as $name) {
        class_alias("\\external_$name", "core_external\\external_$name");
    }
}

use core_external\external_api;
use core_external\external_function_parameters;
use core_external\external_multiple_structure;
use core_external\external_single_structure;
use core_external\external_value;

/**
 * What the functions have in common.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
abstract class base extends external_api {
    /**
     * Lets in who may call; a token must be one of the whole system.
     *
     * @param string $capability without component
     * @return \context_system
     */
    protected static function enter(string $capability): \context_system {
        $context = \context_system::instance();
        self::validate_context($context);
        require_capability("local/rollbook:$capability", $context);
        return $context;
    }

    /**
     * Parameters.
     *
     * @param array $fields
     * @return external_function_parameters
     */
    protected static function parameters(array $fields): external_function_parameters {
        return new external_function_parameters($fields);
    }

    /**
     * A list of structures.
     *
     * @param array $fields
     * @param string $what
     * @return external_multiple_structure
     */
    protected static function rows(array $fields, string $what = ''): external_multiple_structure {
        return new external_multiple_structure(new external_single_structure($fields), $what);
    }

    /**
     * A list of texts or numbers that may be left out.
     *
     * @param string $type
     * @param string $what
     * @return external_multiple_structure
     */
    protected static function values(string $type, string $what): external_multiple_structure {
        return new external_multiple_structure(new external_value($type, $what), $what, VALUE_DEFAULT, []);
    }

    /**
     * A field.
     *
     * @param string $type
     * @param string $what
     * @return external_value
     */
    protected static function field(string $type, string $what = ''): external_value {
        return new external_value($type, $what);
    }

    /**
     * A field that may be left out, with the value that it has then.
     *
     * @param string $type
     * @param mixed $default
     * @param string $what
     * @return external_value
     */
    protected static function given(string $type, $default, string $what = ''): external_value {
        return new external_value($type, $what, VALUE_DEFAULT, $default);
    }

    /**
     * A field that may be left out; it is then not there.
     *
     * @param string $type
     * @param string $what
     * @return external_value
     */
    protected static function maybe(string $type, string $what = ''): external_value {
        return new external_value($type, $what, VALUE_OPTIONAL);
    }

    /**
     * What an item may say for the pages of people, courses and cohorts.
     *
     * @return external_single_structure
     */
    protected static function note(): external_single_structure {
        return new external_single_structure([
            'link' => self::maybe(PARAM_RAW, 'Rollbook\'s link'),
            'says' => self::maybe(PARAM_RAW, 'what the source says'),
            'story' => self::maybe(PARAM_RAW_TRIMMED, 'path of the story in Rollbook'),
        ], 'for the pages of people and courses', VALUE_OPTIONAL);
    }

    /**
     * The fields of each result, and these.
     *
     * @param array $fields
     * @return external_single_structure
     */
    protected static function results(array $fields): external_single_structure {
        return new external_single_structure(['results' => self::rows([
            'key' => self::field(PARAM_RAW, 'the item\'s key'),
            'status' => self::field(PARAM_ALPHA, 'done, unchanged, failed or skipped'),
            'code' => self::field(PARAM_ALPHANUMEXT, 'why it failed or was skipped'),
            'message' => self::field(PARAM_RAW, 'the same for people'),
            'repeated' => self::field(PARAM_BOOL, 'whether this is the answer of an earlier call'),
        ] + $fields, 'in the order of the items')]);
    }

    /**
     * The fields of an account.
     *
     * @return array
     */
    protected static function account_fields(): array {
        return [
            'id' => self::field(PARAM_INT),
            'username' => self::field(PARAM_RAW, 'empty when deleted'),
            'email' => self::field(PARAM_RAW, 'empty when deleted'),
            'idnumber' => self::field(PARAM_RAW),
            'firstname' => self::field(PARAM_RAW),
            'lastname' => self::field(PARAM_RAW),
            'auth' => self::field(PARAM_RAW),
            'suspended' => self::field(PARAM_BOOL),
            'confirmed' => self::field(PARAM_BOOL),
            'deleted' => self::field(PARAM_BOOL),
            'login' => self::field(PARAM_ALPHANUMEXT, 'ok, deleted, suspended, unconfirmed, nologin or auth_disabled'),
            'protected' => self::field(PARAM_ALPHA, 'admin, guest, service, remote or empty'),
            'made' => self::field(PARAM_BOOL, 'made by Rollbook through this plugin'),
            'lastaccess' => self::field(PARAM_INT),
            'timecreated' => self::field(PARAM_INT),
            'timemodified' => self::field(PARAM_INT),
        ];
    }

    /**
     * The fields of an enrolment.
     *
     * @return array
     */
    protected static function enrolment_fields(): array {
        return [
            'id' => self::field(PARAM_INT, 'user_enrolments.id'),
            'userid' => self::field(PARAM_INT),
            'courseid' => self::field(PARAM_INT),
            'enrolid' => self::field(PARAM_INT, 'the method\'s id'),
            'method' => self::field(PARAM_RAW, 'manual, self, cohort and so on'),
            'methodenabled' => self::field(PARAM_BOOL),
            'suspended' => self::field(PARAM_BOOL),
            'timestart' => self::field(PARAM_INT, '0: none'),
            'timeend' => self::field(PARAM_INT, '0: none'),
            'active' => self::field(PARAM_BOOL, 'lets the person in now'),
            'roleids' => new external_multiple_structure(self::field(PARAM_INT), 'roles that come with it'),
            'owned' => self::field(PARAM_BOOL, 'Rollbook\'s'),
            'made' => self::field(PARAM_BOOL, 'made by Rollbook'),
            'timecreated' => self::field(PARAM_INT),
            'timemodified' => self::field(PARAM_INT),
            'modifierid' => self::field(PARAM_INT),
        ];
    }
}
