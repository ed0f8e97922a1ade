<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\task;

use core\lock\lock_config;
use local_rollbook\local\sender;
use local_rollbook\local\setup;

/**
 * Sends queued changes to Rollbook; tries again later where that fails.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class send_changes extends \core\task\adhoc_task {
    /**
     * Does it.
     */
    public function execute() {
        if (!setup::events_on()) {
            return;
        }
        // Two at a time would send the same twice.
        $lock = lock_config::get_lock_factory('local_rollbook')->get_lock('send', 0);
        if (!$lock) {
            return;
        }
        try {
            $pause = (new sender())->send();
        } finally {
            $lock->release();
        }
        if ($pause > 0) {
            mtrace("local_rollbook: again in $pause s. " . get_config('local_rollbook', 'senderror'));
            $again = new self();
            $again->set_next_run_time(time() + $pause);
            // Without a look for one that is there: this one is there until it ends.
            \core\task\manager::queue_adhoc_task($again);
        }
    }
}
