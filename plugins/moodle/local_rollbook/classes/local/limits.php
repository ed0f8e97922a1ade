<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * How much one call may ask for. Rollbook reads these with ping; a call that asks for more is refused before it does anything.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class limits {
    /** Accounts looked up in one call, over all fields. */
    const FIND = 2000;
    /** Accounts made or changed in one call. */
    const ACCOUNTS = 500;
    /** Enrolments changed in one call. */
    const ENROLMENTS = 500;
    /** People whose state is asked for in one call. */
    const STATE_USERS = 2000;
    /** Courses in which their state is asked for. */
    const STATE_COURSES = 500;
    /** Enrolments, and completions, in one answer about states. */
    const STATE_ROWS = 20000;
    /** Courses in one answer. */
    const COURSES = 500;
    /** Completions in one answer. */
    const COMPLETIONS = 2000;
    /** Changes by others in one answer. */
    const CHANGES = 2000;
    /** Role assignments changed in one call. */
    const ROLES = 500;
    /** Role assignments in one answer. */
    const ROLE_ROWS = 5000;
    /** Cohorts in one call or answer. */
    const COHORTS = 1000;
    /** Members listed in one answer; the last cohort is never cut. */
    const MEMBERS = 100000;
    /** Members added and removed in one call, over all cohorts. */
    const MEMBER_CHANGES = 2000;
    /** Notes in one call. */
    const NOTES = 1000;
    /** Seconds of work after which what is left of a call is given back undone. */
    const SECONDS = 25;

    /**
     * All of them, as ping tells them.
     *
     * @return int[]
     */
    public static function all(): array {
        $limits = [];
        foreach ((new \ReflectionClass(self::class))->getConstants() as $name => $value) {
            $limits[strtolower($name)] = $value;
        }
        return $limits;
    }

    /**
     * Refuses more than is allowed.
     *
     * @param int $count how many are asked for
     * @param int $max how many are allowed
     */
    public static function check(int $count, int $max): void {
        if ($count > $max) {
            throw new \moodle_exception('toomany', 'local_rollbook', '', (object) ['count' => $count, 'max' => $max]);
        }
    }

    /**
     * Reads a list of ids such as "3,17,4".
     *
     * @param string $sequence digits and commas
     * @param int $max how many are allowed
     * @return int[] each once, ascending
     */
    public static function ids(string $sequence, int $max): array {
        $ids = array_unique(array_map('intval', array_filter(explode(',', $sequence), 'strlen')));
        self::check(count($ids), $max);
        sort($ids);
        return $ids;
    }

    /**
     * The number of rows of a page.
     *
     * @param int $asked 0: as many as are allowed
     * @param int $max how many are allowed
     * @return int
     */
    public static function page(int $asked, int $max): int {
        self::check($asked, $max);
        return $asked > 0 ? $asked : $max;
    }
}
