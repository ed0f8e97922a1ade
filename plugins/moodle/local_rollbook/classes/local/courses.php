<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Courses with their manual enrolment method.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class courses {
    /** Columns that are read. */
    const COLUMNS = 'id, idnumber, shortname, fullname, visible, startdate, enddate, enablecompletion';

    /**
     * Courses by id or ID number.
     *
     * @param int[] $ids
     * @param string[] $idnumbers compared exactly, but for surrounding space
     * @return \stdClass[] by id
     */
    public static function of(array $ids, array $idnumbers): array {
        global $DB;
        $found = [];
        foreach (array_chunk($ids, 500) as $some) {
            $found += $DB->get_records_list('course', 'id', $some, '', self::COLUMNS);
        }
        $idnumbers = array_values(array_filter(array_map('trim', $idnumbers), 'strlen'));
        foreach (array_chunk($idnumbers, 500) as $some) {
            foreach ($DB->get_records_list('course', 'idnumber', $some, '', self::COLUMNS) as $course) {
                if (in_array(trim($course->idnumber), $some, true)) {
                    $found[$course->id] = $course;
                }
            }
        }
        unset($found[SITEID]);
        ksort($found);
        return $found;
    }

    /**
     * Courses that have an ID number.
     *
     * @param int $after
     * @param int $limit
     * @return \stdClass[] by id
     */
    public static function page(int $after, int $limit): array {
        global $DB;
        $sql = "id > :after AND id <> :site AND idnumber <> ''";
        return $DB->get_records_select('course', $sql, ['after' => $after, 'site' => SITEID], 'id', self::COLUMNS, 0, $limit);
    }

    /**
     * Courses as they are answered.
     *
     * @param \stdClass[] $courses by id
     * @param string $field short name of a course field
     * @return array
     */
    public static function answer(array $courses, string $field): array {
        global $CFG, $DB;
        require_once($CFG->libdir . '/enrollib.php');
        $criteria = [];
        $instances = [];
        foreach (array_chunk(array_keys($courses), 500) as $some) {
            [$in, $params] = $DB->get_in_or_equal($some, SQL_PARAMS_NAMED);
            $criteria += $DB->get_records_sql_menu(
                "SELECT course, COUNT(*) FROM {course_completion_criteria} WHERE course $in GROUP BY course",
                $params
            );
            $sql = "enrol = 'manual' AND status = :enabled AND courseid $in";
            $params['enabled'] = ENROL_INSTANCE_ENABLED;
            foreach ($DB->get_records_select('enrol', $sql, $params, 'sortorder, id') as $one) {
                $instances += [$one->courseid => $one];
            }
        }
        if (!enrol_is_enabled('manual')) {
            $instances = [];
        }
        $values = $field === '' ? [] : self::field_values(array_keys($courses), $field);
        $answers = [];
        foreach ($courses as $id => $course) {
            $instance = $instances[$id] ?? null;
            $roleid = $instance ? (int) $instance->roleid : 0;
            $answers[] = [
                'id' => (int) $id,
                'idnumber' => $course->idnumber,
                'shortname' => $course->shortname,
                'fullname' => $course->fullname,
                'visible' => (bool) $course->visible,
                'startdate' => (int) $course->startdate,
                'enddate' => (int) $course->enddate,
                'completion' => !empty($CFG->enablecompletion) && $course->enablecompletion,
                'criteria' => (int) ($criteria[$id] ?? 0),
                'fieldvalue' => (string) ($values[$id] ?? ''),
                'enrolid' => $instance ? (int) $instance->id : 0,
                'roleid' => $roleid,
                'enrolperiod' => $instance ? (int) $instance->enrolperiod : 0,
                // Only where Moodle has such mails does a method have the option.
                'welcome' => $instance && class_exists('\core_enrol\hook\after_user_enrolled') && !empty($instance->customint1),
                'assignable' => $roleid && isset(get_assignable_roles(\context_course::instance($id), ROLENAME_SHORT)[$roleid]),
            ];
        }
        return $answers;
    }

    /**
     * What a course field says of courses, as it is stored; for a course that has nothing stored, its default.
     *
     * @param int[] $ids
     * @param string $shortname
     * @return array by course; empty where the field does not exist
     */
    private static function field_values(array $ids, string $shortname): array {
        $values = [];
        $handler = \core_course\customfield\course_handler::create();
        foreach (array_chunk($ids, 500) as $some) {
            // All fields, whoever may see them: Moodle's own reader knows where its versions keep them.
            foreach ($handler->get_instances_data($some, true) as $course => $data) {
                foreach ($data as $one) {
                    if ($one->get_field()->get('shortname') === $shortname) {
                        $values[$course] = (string) $one->get_value();
                    }
                }
            }
        }
        return $values;
    }
}
