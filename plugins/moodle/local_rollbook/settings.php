<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * The plugin's pages in the site administration.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

if ($hassiteconfig) {
    $ADMIN->add('localplugins', new admin_category('local_rollbook', new lang_string('pluginname', 'local_rollbook')));
    $ADMIN->add('local_rollbook', new admin_externalpage(
        'local_rollbook_status',
        new lang_string('status', 'local_rollbook'),
        new moodle_url('/local/rollbook/index.php')
    ));
    $page = new admin_settingpage('local_rollbook_settings', new lang_string('settings', 'local_rollbook'));
    if ($ADMIN->fulltree) {
        $page->add(new admin_setting_configcheckbox(
            'local_rollbook/events',
            new lang_string('events', 'local_rollbook'),
            new lang_string('events_desc', 'local_rollbook'),
            1
        ));
        $page->add(new admin_setting_configtext(
            'local_rollbook/url',
            new lang_string('url', 'local_rollbook'),
            new lang_string('url_desc', 'local_rollbook'),
            '',
            PARAM_URL
        ));
        $page->add(new admin_setting_configpasswordunmask(
            'local_rollbook/secret',
            new lang_string('secret', 'local_rollbook'),
            new lang_string('secret_desc', 'local_rollbook'),
            ''
        ));
        $page->add(new admin_setting_configtext(
            'local_rollbook/weburl',
            new lang_string('weburl', 'local_rollbook'),
            new lang_string('weburl_desc', 'local_rollbook'),
            '',
            PARAM_URL
        ));
        $page->add(new admin_setting_configtext(
            'local_rollbook/keepdays',
            new lang_string('keepdays', 'local_rollbook'),
            new lang_string('keepdays_desc', 'local_rollbook'),
            14,
            PARAM_INT
        ));
    }
    $ADMIN->add('local_rollbook', $page);
}
