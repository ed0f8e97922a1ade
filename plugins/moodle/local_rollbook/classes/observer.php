<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook;

use core\event\base;
use local_rollbook\local\accounts;
use local_rollbook\local\actor;
use local_rollbook\local\changes;
use local_rollbook\local\marks;

/**
 * Hears what others change, and queues what concerns Rollbook: people with an ID number, and cohorts that it keeps.
 *
 * An observer must never spoil what somebody does: what goes wrong here is only said to developers.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class observer {
    /**
     * Somebody completed a course.
     *
     * @param base $event
     */
    public static function course_completed(base $event): void {
        self::guard(static function () use ($event): void {
            self::about_person('completion', 'completed', $event);
        });
    }

    /**
     * An account was changed; Moodle does not say what.
     *
     * @param base $event
     */
    public static function user_updated(base $event): void {
        self::guard(static function () use ($event): void {
            global $DB;
            if (actor::acts()) {
                return;
            }
            $id = (int) $event->objectid;
            $user = accounts::by_id([$id])[$id] ?? null;
            if (!$user) {
                return;
            }
            $mark = marks::of('account', [$id])[$id] ?? null;
            $digest = accounts::digest($user);
            if ((!$mark && $user->idnumber === '') || ($mark && $mark->digest === $digest)) {
                return;
            }
            if ($mark) {
                $DB->set_field('local_rollbook_mark', 'digest', $digest, ['id' => $mark->id]);
            }
            changes::queue('account', 'changed', $id);
        });
    }

    /**
     * An account was deleted.
     *
     * @param base $event
     */
    public static function user_deleted(base $event): void {
        self::guard(static function () use ($event): void {
            global $DB;
            $id = (int) $event->objectid;
            $known = $DB->record_exists('local_rollbook_mark', ['userid' => $id])
                || (string) ($event->other['idnumber'] ?? '') !== '';
            $DB->delete_records('local_rollbook_mark', ['userid' => $id]);
            if ($known && !actor::acts()) {
                changes::queue('account', 'deleted', $id);
            }
        });
    }

    /**
     * Somebody was enrolled.
     *
     * @param base $event
     */
    public static function user_enrolment_created(base $event): void {
        self::enrolment('created', $event);
    }

    /**
     * An enrolment was changed.
     *
     * @param base $event
     */
    public static function user_enrolment_updated(base $event): void {
        self::enrolment('updated', $event);
    }

    /**
     * An enrolment was removed.
     *
     * @param base $event
     */
    public static function user_enrolment_deleted(base $event): void {
        self::guard(static function () use ($event): void {
            global $DB;
            $DB->delete_records('local_rollbook_mark', ['kind' => 'enrolment', 'instanceid' => (int) $event->objectid]);
        });
        self::enrolment('deleted', $event);
    }

    /**
     * A cohort was changed.
     *
     * @param base $event
     */
    public static function cohort_updated(base $event): void {
        self::cohort('cohort', 'updated', $event);
    }

    /**
     * A cohort was deleted.
     *
     * @param base $event
     */
    public static function cohort_deleted(base $event): void {
        self::cohort('cohort', 'deleted', $event);
        self::guard(static function () use ($event): void {
            global $DB;
            $DB->delete_records('local_rollbook_mark', ['kind' => 'cohort', 'instanceid' => (int) $event->objectid]);
        });
    }

    /**
     * Somebody was added to a cohort.
     *
     * @param base $event
     */
    public static function cohort_member_added(base $event): void {
        self::cohort('member', 'added', $event);
    }

    /**
     * Somebody was removed from a cohort.
     *
     * @param base $event
     */
    public static function cohort_member_removed(base $event): void {
        self::cohort('member', 'removed', $event);
    }

    /**
     * An enrolment that others made, changed or removed.
     *
     * @param string $what
     * @param base $event
     */
    private static function enrolment(string $what, base $event): void {
        self::guard(static function () use ($what, $event): void {
            if (!actor::acts()) {
                self::about_person('enrolment', $what, $event);
            }
        });
    }

    /**
     * A cohort that Rollbook keeps, changed by others.
     *
     * @param string $kind
     * @param string $what
     * @param base $event
     */
    private static function cohort(string $kind, string $what, base $event): void {
        self::guard(static function () use ($kind, $what, $event): void {
            global $DB;
            $id = (int) $event->objectid;
            if (!actor::acts() && $DB->record_exists('local_rollbook_mark', ['kind' => 'cohort', 'instanceid' => $id])) {
                changes::queue($kind, $what, (int) $event->relateduserid, 0, $id);
            }
        });
    }

    /**
     * Queues what happened to somebody in a course, if it is one of Rollbook's people.
     *
     * @param string $kind
     * @param string $what
     * @param base $event
     */
    private static function about_person(string $kind, string $what, base $event): void {
        global $DB;
        $id = (int) $event->relateduserid;
        if ((string) $DB->get_field('user', 'idnumber', ['id' => $id]) !== '') {
            changes::queue($kind, $what, $id, (int) $event->courseid);
        }
    }

    /**
     * Does it, and goes on whatever happens.
     *
     * @param callable $work
     */
    private static function guard(callable $work): void {
        try {
            $work();
        } catch (\Throwable $error) {
            debugging('local_rollbook could not queue a change: ' . $error->getMessage(), DEBUG_DEVELOPER);
        }
    }
}
