<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook;

use local_rollbook\local\pages;

/**
 * Hooks of Moodle 4.4 and later.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class hook_callbacks {
    /**
     * Below a course's participants.
     *
     * @param \core\hook\output\before_footer_html_generation $hook
     */
    public static function before_footer_html_generation(\core\hook\output\before_footer_html_generation $hook): void {
        global $PAGE;
        $html = pages::participants($PAGE);
        if ($html !== '') {
            $hook->add_html($html);
        }
    }
}
