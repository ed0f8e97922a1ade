<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Why one item is not done. The others of the call are.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class refusal extends \Exception {
    /** @var string for programs: one of the codes of the README */
    public $reason;
    /** @var array fields of the item's result that are known all the same */
    public $known;

    /**
     * A refusal.
     *
     * @param string $reason the code
     * @param string $message for people
     * @param array $known fields of the result
     */
    public function __construct(string $reason, string $message, array $known = []) {
        parent::__construct($message);
        $this->reason = $reason;
        $this->known = $known;
    }
}
