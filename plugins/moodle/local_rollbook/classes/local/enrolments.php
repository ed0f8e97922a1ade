<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * How people stand in courses, read for many at once.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class enrolments {
    /**
     * Every enrolment of these people in these courses, by whatever method.
     *
     * @param int[] $userids
     * @param int[] $courseids
     * @param int $max most rows; one more is read, so that the caller sees that there are more
     * @return \stdClass[] by id
     */
    public static function of(array $userids, array $courseids, int $max = 0): array {
        global $DB;
        $rows = [];
        if (!$courseids) {
            return $rows;
        }
        foreach (array_chunk($userids, 1000) as $some) {
            [$users, $one] = $DB->get_in_or_equal($some, SQL_PARAMS_NAMED, 'u');
            [$courses, $two] = $DB->get_in_or_equal($courseids, SQL_PARAMS_NAMED, 'c');
            $sql = "SELECT ue.id, ue.userid, e.courseid, ue.enrolid, e.enrol, e.status AS methodstatus, ue.status, ue.timestart,
                           ue.timeend, ue.timecreated, ue.timemodified, ue.modifierid, m.owned, m.made
                      FROM {user_enrolments} ue
                      JOIN {enrol} e ON e.id = ue.enrolid
                 LEFT JOIN {local_rollbook_mark} m ON m.kind = 'enrolment' AND m.instanceid = ue.id
                     WHERE ue.userid $users AND e.courseid $courses
                  ORDER BY ue.id";
            $rows += $DB->get_records_sql($sql, $one + $two, 0, $max > 0 ? $max + 1 - count($rows) : 0);
            if ($max > 0 && count($rows) > $max) {
                break;
            }
        }
        return $rows;
    }

    /**
     * Whether an enrolment lets somebody into the course now, as Moodle defines it.
     *
     * @param \stdClass $row
     * @return bool
     */
    public static function active(\stdClass $row): bool {
        $now = time();
        return (int) $row->status === ENROL_USER_ACTIVE && (int) $row->methodstatus === ENROL_INSTANCE_ENABLED
            && enrol_is_enabled($row->enrol) && $row->timestart <= $now && ($row->timeend == 0 || $row->timeend > $now);
    }

    /**
     * Roles of people in courses, by person, course and what gave them: the component and item of the assignment.
     *
     * @param int[] $userids
     * @param int[] $courseids
     * @return array ids of roles by "person:course", then by "component:item"
     */
    public static function roles(array $userids, array $courseids): array {
        global $DB;
        $roles = [];
        if (!$courseids) {
            return $roles;
        }
        foreach (array_chunk($userids, 1000) as $some) {
            [$users, $one] = $DB->get_in_or_equal($some, SQL_PARAMS_NAMED, 'u');
            [$courses, $two] = $DB->get_in_or_equal($courseids, SQL_PARAMS_NAMED, 'c');
            $sql = "SELECT ra.id, ra.userid, x.instanceid, ra.roleid, ra.component, ra.itemid
                      FROM {role_assignments} ra
                      JOIN {context} x ON x.id = ra.contextid AND x.contextlevel = :level
                     WHERE ra.userid $users AND x.instanceid $courses";
            $rows = $DB->get_recordset_sql($sql, $one + $two + ['level' => CONTEXT_COURSE]);
            foreach ($rows as $row) {
                $by = $row->component === '' ? '' : "$row->component:$row->itemid";
                $roles["$row->userid:$row->instanceid"][$by][(int) $row->roleid] = true;
            }
            $rows->close();
        }
        return $roles;
    }

    /**
     * The roles that come with an enrolment. Methods that do not protect roles, such as manual enrolment, leave no trace on
     * them: theirs are those that belong to no component.
     *
     * @param \stdClass $row
     * @param array $roles what {@see roles()} gave
     * @return int[]
     */
    public static function roles_of(\stdClass $row, array $roles): array {
        $here = $roles["$row->userid:$row->courseid"] ?? [];
        $plugin = enrol_get_plugin($row->enrol);
        $by = $plugin && $plugin->roles_protected() ? "enrol_$row->enrol:$row->enrolid" : '';
        $ids = array_keys($here[$by] ?? []);
        sort($ids);
        return $ids;
    }

    /**
     * An enrolment as it is answered.
     *
     * @param \stdClass $row
     * @param int[] $roleids
     * @return array
     */
    public static function answer(\stdClass $row, array $roleids): array {
        return [
            'id' => (int) $row->id,
            'userid' => (int) $row->userid,
            'courseid' => (int) $row->courseid,
            'enrolid' => (int) $row->enrolid,
            'method' => $row->enrol,
            'methodenabled' => (int) $row->methodstatus === ENROL_INSTANCE_ENABLED && enrol_is_enabled($row->enrol),
            'suspended' => (int) $row->status !== ENROL_USER_ACTIVE,
            'timestart' => (int) $row->timestart,
            'timeend' => (int) $row->timeend,
            'active' => self::active($row),
            'roleids' => array_values($roleids),
            'owned' => !empty($row->owned),
            'made' => !empty($row->made),
            'timecreated' => (int) $row->timecreated,
            'timemodified' => (int) $row->timemodified,
            'modifierid' => (int) $row->modifierid,
        ];
    }
}
