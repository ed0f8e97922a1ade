<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Whether it is Rollbook that acts: its own changes are no news to it.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class actor {
    /** @var int how many of our functions are under way */
    private static $depth = 0;

    /**
     * Does something as Rollbook.
     *
     * @param callable $work
     * @return mixed what it returns
     */
    public static function act(callable $work) {
        self::$depth++;
        try {
            return $work();
        } finally {
            self::$depth--;
        }
    }

    /**
     * Whether what happens now is done by Rollbook: by a function of ours, or by one of its accounts over
     * core's functions.
     *
     * @return bool
     */
    public static function acts(): bool {
        global $USER;
        return self::$depth > 0 || (!empty($USER->id) && in_array((int) $USER->id, setup::actors(), true));
    }
}
