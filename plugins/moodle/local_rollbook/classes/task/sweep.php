<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\task;

use local_rollbook\local\setup;

/**
 * Makes sure that what waits is sent: a task may be lost, and events may be switched on after changes.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class sweep extends \core\task\scheduled_task {
    /**
     * Its name.
     *
     * @return string
     */
    public function get_name() {
        return get_string('tasksweep', 'local_rollbook');
    }

    /**
     * Does it.
     */
    public function execute() {
        global $DB;
        if (setup::events_on() && $DB->record_exists('local_rollbook_change', ['timesent' => 0])) {
            \core\task\manager::queue_adhoc_task(new send_changes(), true);
        }
    }
}
