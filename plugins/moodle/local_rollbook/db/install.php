<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * After the tables: the role. The account and its token are made on the plugin's page, or by cli/setup.php.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

/**
 * Makes the role.
 *
 * @return bool
 */
function xmldb_local_rollbook_install() {
    // Moodle learns a plugin's capabilities only after this.
    update_capabilities('local_rollbook');
    \local_rollbook\local\setup::role();
    return true;
}

/**
 * Goes on with an installation that was interrupted.
 *
 * @return bool
 */
function xmldb_local_rollbook_install_recovery() {
    return xmldb_local_rollbook_install();
}
