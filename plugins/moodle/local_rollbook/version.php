<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * Version of the plugin.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$plugin->component = 'local_rollbook';
$plugin->version = 2026113000;
$plugin->release = '1.0.0';
// Moodle 4.1 is the oldest; code keeps to PHP 7.4, which it allows.
$plugin->requires = 2022112800;
$plugin->maturity = MATURITY_STABLE;
