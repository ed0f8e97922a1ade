<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Changes manual enrolments. What Rollbook does not own stays as it is, unless it is told to adopt it; dates and roles stay
 * unless it is told others.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class enrolment_writer {
    /** @var \enrol_plugin */
    private $plugin;
    /** @var \stdClass[] accounts by id */
    private $users = [];
    /** @var \stdClass[] courses by id */
    private $courses = [];
    /** @var array enabled manual methods by course, in their order */
    private $instances = [];
    /** @var array enrolments by "person:course" */
    private $rows = [];
    /** @var array roles as {@see enrolments::roles()} gives them */
    private $roles = [];
    /** @var \stdClass[] marks by enrolment */
    private $marks = [];
    /** @var array what the caller may in a course, by course and capability */
    private $may = [];
    /** @var array roles that the caller may give, by course */
    private $assignable = [];

    /**
     * Looks up everything that the items are about.
     *
     * @param array $items
     */
    public function prepare(array $items): void {
        global $DB, $CFG;
        require_once($CFG->libdir . '/enrollib.php');
        $this->plugin = enrol_is_enabled('manual') ? enrol_get_plugin('manual') : null;
        $userids = array_values(array_unique(array_column($items, 'userid')));
        $courseids = array_values(array_unique(array_column($items, 'courseid')));
        $this->users = accounts::by_id($userids);
        foreach (array_chunk($courseids, 500) as $some) {
            $this->courses += $DB->get_records_list('course', 'id', $some, '', 'id, startdate');
            [$in, $params] = $DB->get_in_or_equal($some, SQL_PARAMS_NAMED);
            $sql = "enrol = 'manual' AND status = :enabled AND courseid $in";
            $params['enabled'] = ENROL_INSTANCE_ENABLED;
            foreach ($DB->get_records_select('enrol', $sql, $params, 'courseid, sortorder, id') as $instance) {
                $this->instances[(int) $instance->courseid][(int) $instance->id] = $instance;
            }
        }
        foreach (enrolments::of($userids, $courseids) as $row) {
            $this->rows["$row->userid:$row->courseid"][(int) $row->id] = $row;
        }
        $this->roles = enrolments::roles($userids, $courseids);
        $ids = array_merge([], ...array_map('array_keys', array_values($this->rows)));
        $this->marks = marks::of('enrolment', $ids);
    }

    /**
     * Changes one enrolment.
     *
     * @param array $item
     * @return array status and fields of the result
     */
    public function apply(array $item): array {
        if (isset($item['timestart'], $item['timeend']) && $item['timeend'] > 0 && $item['timeend'] <= $item['timestart']) {
            throw new refusal('invalid_dates', 'the end is not after the start');
        }
        $this->check($item);
        $row = $this->find($item);
        $action = $item['action'];
        if (!$row) {
            if ($action === 'enrol') {
                return $this->enrol($item);
            }
            if ($action === 'unenrol') {
                return $this->result($item, 'unchanged', '', null);
            }
            throw new refusal('not_enrolled', 'there is no manual enrolment', $this->context($item));
        }
        return $action === 'unenrol' ? $this->unenrol($item, $row) : $this->change($item, $row);
    }

    /**
     * Refuses what must not or cannot be touched at all.
     *
     * @param array $item
     */
    private function check(array $item): void {
        $user = $this->users[$item['userid']] ?? null;
        if (!$user || $user->deleted) {
            throw new refusal($user ? 'account_deleted' : 'account_missing', 'there is no such account');
        }
        if (($protection = accounts::protection($user)) && $protection !== 'remote') {
            throw new refusal('protected', $protection, $this->context($item));
        }
        if (!isset($this->courses[$item['courseid']]) || $item['courseid'] === (int) SITEID) {
            throw new refusal('course_missing', 'there is no such course');
        }
        if (!$this->plugin) {
            throw new refusal('no_manual_instance', 'the manual enrolment plugin is off', $this->context($item));
        }
        $capability = $item['action'] === 'unenrol' ? 'enrol/manual:unenrol' : 'enrol/manual:enrol';
        $this->need($item['courseid'], $capability);
    }

    /**
     * The manual enrolment that an item is about: the one that is named; else ours, else the first.
     *
     * @param array $item
     * @return \stdClass|null
     */
    private function find(array $item): ?\stdClass {
        $rows = array_filter($this->rows["{$item['userid']}:{$item['courseid']}"] ?? [], static function (\stdClass $row): bool {
            return $row->enrol === 'manual';
        });
        if ($item['enrolmentid'] > 0) {
            if (!isset($rows[$item['enrolmentid']])) {
                throw new refusal('enrolment_missing', 'that enrolment is gone or is not this person\'s', $this->context($item));
            }
            return $rows[$item['enrolmentid']];
        }
        $ours = array_filter($rows, static function (\stdClass $row): bool {
            return !empty($row->owned);
        });
        // One in a method that is switched off lets nobody in; it is only suspended, never taken for an enrolment.
        $enabled = array_intersect_key($rows, array_filter($rows, static function (\stdClass $row): bool {
            return (int) $row->methodstatus === ENROL_INSTANCE_ENABLED;
        }));
        foreach ([array_intersect_key($ours, $enabled), $enabled, $item['action'] === 'enrol' ? [] : $rows] as $some) {
            if ($some) {
                return reset($some);
            }
        }
        return null;
    }

    /**
     * Makes an enrolment.
     *
     * @param array $item
     * @return array
     */
    private function enrol(array $item): array {
        $instances = $this->instances[$item['courseid']] ?? [];
        if (!$instances) {
            throw new refusal('no_manual_instance', 'the course has no enabled manual method', $this->context($item));
        }
        $instance = clone reset($instances);
        $roleid = $item['roleid'] > 0 ? $item['roleid'] : (int) $instance->roleid;
        $this->check_role($item['courseid'], $roleid);
        $start = $item['timestart'] ?? $this->start($this->courses[$item['courseid']]);
        $end = $item['timeend'] ?? ($instance->enrolperiod > 0 ? ($start ?: time()) + $instance->enrolperiod : 0);
        if (!$item['welcome']) {
            // Moodle 4.4 and later mail a welcome by this field of the instance that they are given.
            $instance->customint1 = 0;
        }
        $this->plugin->enrol_user($instance, $item['userid'], $roleid, $start, $end, ENROL_USER_ACTIVE);
        $row = $this->read($item, (int) $instance->id);
        $this->roles["{$item['userid']}:{$item['courseid']}"][''][$roleid] = true;
        $this->mark($row, $item, ['owned' => 1, 'made' => 1, 'did' => 'enrolled']);
        return $this->result($item, 'done', 'enrolled', $row);
    }

    /**
     * Suspends, re-activates, or sets dates.
     *
     * @param array $item
     * @param \stdClass $row
     * @return array
     */
    private function change(array $item, \stdClass $row): array {
        $status = $item['action'] === 'suspend' ? ENROL_USER_SUSPENDED : ENROL_USER_ACTIVE;
        $start = $item['timestart'] ?? (int) $row->timestart;
        $end = $item['timeend'] ?? (int) $row->timeend;
        $turns = (int) $row->status !== $status;
        $moves = $start !== (int) $row->timestart || $end !== (int) $row->timeend;
        $before = enrolments::answer($row, enrolments::roles_of($row, $this->roles));
        // Whoever is active keeps the role; a suspension never gives one.
        $roleid = 0;
        if ($item['roleid'] > 0 && $status === ENROL_USER_ACTIVE && !in_array($item['roleid'], $before['roleids'], true)) {
            $roleid = $item['roleid'];
        }
        if (!$turns && !$moves && !$roleid && !($item['adopt'] && empty($row->owned))) {
            if (!empty($item['note'])) {
                $this->mark($row, $item, []);
            }
            return $this->result($item, 'unchanged', '', $row);
        }
        if (empty($row->owned) && !$item['adopt']) {
            throw new refusal('not_owned', 'Rollbook did not make this enrolment', $this->result($item, '', '', $row)[1]);
        }
        if ($roleid) {
            $this->check_role($item['courseid'], $roleid);
        }
        $did = [];
        if ($turns || $moves) {
            $this->plugin->update_user_enrol($this->instance($row), $item['userid'], $status, $start, $end);
            $did[] = $turns ? ($status === ENROL_USER_ACTIVE ? 'reactivated' : 'suspended') : 'dates_changed';
        }
        if ($roleid) {
            role_assign($roleid, $item['userid'], \context_course::instance($item['courseid'])->id);
            $this->roles["{$item['userid']}:{$item['courseid']}"][''][$roleid] = true;
            $did[] = 'role_added';
        }
        if (empty($row->owned)) {
            $did[] = 'adopted';
        }
        $did = implode(',', $did);
        $row = $this->read($item, (int) $row->enrolid);
        $this->mark($row, $item, ['owned' => 1, 'did' => $did]);
        return $this->result($item, 'done', $did, $row, $before);
    }

    /**
     * Removes an enrolment; with it go grades, groups and roles of the course, as Moodle does.
     *
     * @param array $item
     * @param \stdClass $row
     * @return array
     */
    private function unenrol(array $item, \stdClass $row): array {
        if (empty($row->owned) && !$item['adopt']) {
            throw new refusal('not_owned', 'Rollbook did not make this enrolment', $this->result($item, '', '', $row)[1]);
        }
        $before = enrolments::answer($row, enrolments::roles_of($row, $this->roles));
        $this->plugin->unenrol_user($this->instance($row), $item['userid']);
        unset($this->rows["$row->userid:$row->courseid"][(int) $row->id], $this->marks[(int) $row->id]);
        $this->roles["$row->userid:$row->courseid"] = enrolments::roles([$item['userid']], [$item['courseid']])
            ["$row->userid:$row->courseid"] ?? [];
        return $this->result($item, 'done', 'unenrolled', null, $before);
    }

    /**
     * The method of an enrolment.
     *
     * @param \stdClass $row
     * @return \stdClass
     */
    private function instance(\stdClass $row): \stdClass {
        global $DB;
        return $this->instances[(int) $row->courseid][(int) $row->enrolid]
            ?? $DB->get_record('enrol', ['id' => $row->enrolid], '*', MUST_EXIST);
    }

    /**
     * When a new enrolment begins, as Moodle's own page would have it.
     *
     * @param \stdClass $course
     * @return int
     */
    private function start(\stdClass $course): int {
        switch ((int) $this->plugin->get_config('enrolstart', 4)) {
            case 2:
                return (int) $course->startdate;
            case 3:
                return usergetmidnight(time());
            default:
                // Whoever is enrolled "now" must be active at once, and Moodle rounds the time by which it asks to hundreds.
                return intdiv(time(), 100) * 100 - 1;
        }
    }

    /**
     * Reads an enrolment back, and keeps it for later items.
     *
     * @param array $item
     * @param int $enrolid
     * @return \stdClass
     */
    private function read(array $item, int $enrolid): \stdClass {
        global $DB;
        $sql = "SELECT ue.id, ue.userid, e.courseid, ue.enrolid, e.enrol, e.status AS methodstatus, ue.status, ue.timestart,
                       ue.timeend, ue.timecreated, ue.timemodified, ue.modifierid
                  FROM {user_enrolments} ue JOIN {enrol} e ON e.id = ue.enrolid
                 WHERE ue.enrolid = :enrolid AND ue.userid = :userid";
        $row = $DB->get_record_sql($sql, ['enrolid' => $enrolid, 'userid' => $item['userid']], MUST_EXIST);
        $row->owned = 0;
        $row->made = 0;
        $this->rows["$row->userid:$row->courseid"][(int) $row->id] = $row;
        return $row;
    }

    /**
     * Marks an enrolment.
     *
     * @param \stdClass $row
     * @param array $item
     * @param array $fields
     */
    private function mark(\stdClass $row, array $item, array $fields): void {
        $id = (int) $row->id;
        $fields += marks::said($item) + [
            'kind' => 'enrolment', 'instanceid' => $id, 'userid' => (int) $row->userid, 'courseid' => (int) $row->courseid,
        ];
        $mark = marks::write($this->marks[$id] ?? null, $fields);
        $this->marks[$id] = $mark;
        $row->owned = $mark->owned;
        $row->made = $mark->made;
    }

    /**
     * Refuses a role that the caller may not give in the course.
     *
     * @param int $courseid
     * @param int $roleid
     */
    private function check_role(int $courseid, int $roleid): void {
        if (!isset($this->assignable[$courseid])) {
            $this->assignable[$courseid] = get_assignable_roles(\context_course::instance($courseid), ROLENAME_SHORT);
        }
        if (!isset($this->assignable[$courseid][$roleid])) {
            throw new refusal('role_not_assignable', "role $roleid");
        }
    }

    /**
     * Refuses what the caller may not in the course.
     *
     * @param int $courseid
     * @param string $capability
     */
    private function need(int $courseid, string $capability): void {
        if (!isset($this->may[$courseid][$capability])) {
            $this->may[$courseid][$capability] = has_capability($capability, \context_course::instance($courseid));
        }
        if (!$this->may[$courseid][$capability]) {
            throw new refusal('no_permission', $capability);
        }
    }

    /**
     * What is known about a person and a course, whatever becomes of the item.
     *
     * @param array $item
     * @return array
     */
    private function context(array $item): array {
        $rows = $this->rows["{$item['userid']}:{$item['courseid']}"] ?? [];
        $active = array_filter($rows, [enrolments::class, 'active']);
        return [
            'login' => accounts::login($this->users[$item['userid']]),
            'active' => (bool) $active,
            'activeby' => array_values(array_unique(array_column($active, 'enrol'))),
        ];
    }

    /**
     * A result.
     *
     * @param array $item
     * @param string $status
     * @param string $did
     * @param \stdClass|null $row
     * @param array|null $before
     * @return array status and fields
     */
    private function result(array $item, string $status, string $did, ?\stdClass $row, ?array $before = null): array {
        $fields = ['did' => $did] + $this->context($item);
        if ($row) {
            $fields['enrolment'] = enrolments::answer($row, enrolments::roles_of($row, $this->roles));
        }
        if ($before) {
            $fields['before'] = $before;
        }
        return [$status, $fields];
    }
}
