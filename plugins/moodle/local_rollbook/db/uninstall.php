<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * Before the tables go.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

/**
 * Takes away what Moodle does not take away by itself.
 *
 * @return bool
 */
function xmldb_local_rollbook_uninstall() {
    \local_rollbook\local\setup::remove();
    return true;
}
