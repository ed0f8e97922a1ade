<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * Upgrades.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

/**
 * Brings an older version's data up to date.
 *
 * @param int $oldversion
 * @return bool
 */
function xmldb_local_rollbook_upgrade($oldversion) {
    // Whatever version it was: the role gets what this one needs.
    update_capabilities('local_rollbook');
    \local_rollbook\local\setup::role();
    return true;
}
