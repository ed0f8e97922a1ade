<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * Assigns and unassigns roles. Those that Rollbook gives belong to this plugin: nobody's else are touched, unless it is told
 * to adopt one.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class role_writer {
    /** Whose the assignments are. */
    const COMPONENT = 'local_rollbook';
    /** Levels on which roles are given, by name. */
    const LEVELS = ['system' => CONTEXT_SYSTEM, 'coursecat' => CONTEXT_COURSECAT, 'course' => CONTEXT_COURSE];

    /** @var \stdClass[] accounts by id */
    private $users = [];
    /** @var array contexts by "level:instance"; null where there is none */
    private $contexts = [];
    /** @var array roles that the caller may give, by context */
    private $assignable = [];

    /**
     * Looks up the accounts.
     *
     * @param array $items
     */
    public function prepare(array $items): void {
        $this->users = accounts::by_id(array_column($items, 'userid'));
    }

    /**
     * Assigns or unassigns one role.
     *
     * @param array $item
     * @return array status and fields of the result
     */
    public function apply(array $item): array {
        global $DB;
        if (!isset(self::LEVELS[$item['contextlevel']])) {
            throw new refusal('invalid_context', 'system, coursecat or course');
        }
        $context = $this->context($item);
        $assigns = $item['action'] === 'assign';
        if (!$context) {
            if ($assigns) {
                throw new refusal('context_missing', "{$item['contextlevel']} {$item['instanceid']}");
            }
            // Whatever was there is gone.
            return ['unchanged', ['did' => '', 'others' => 0]];
        }
        $rows = $DB->get_records('role_assignments', [
            'roleid' => $item['roleid'], 'contextid' => $context->id, 'userid' => $item['userid'],
        ], 'id', 'id, component, itemid');
        $ours = array_filter($rows, static function (\stdClass $row) use ($item): bool {
            return $row->component === self::COMPONENT && (int) $row->itemid === $item['itemid'];
        });
        $byhand = array_filter($rows, static function (\stdClass $row): bool {
            return $row->component === '';
        });
        $others = count($rows) - count($ours);
        if ($assigns === (bool) $ours && !($byhand && $item['adopt'])) {
            return ['unchanged', ['did' => '', 'others' => $others]];
        }
        $this->check($item, $context, $assigns);
        if ($byhand && $item['adopt']) {
            $others -= count($byhand);
            role_unassign($item['roleid'], $item['userid'], $context->id);
        }
        if ($assigns) {
            role_assign($item['roleid'], $item['userid'], $context->id, self::COMPONENT, $item['itemid']);
            return ['done', ['did' => $byhand && $item['adopt'] ? 'adopted' : 'assigned', 'others' => $others]];
        }
        role_unassign($item['roleid'], $item['userid'], $context->id, self::COMPONENT, $item['itemid']);
        return ['done', ['did' => 'unassigned', 'others' => $others]];
    }

    /**
     * Refuses what must not or cannot be done.
     *
     * @param array $item
     * @param \context $context
     * @param bool $assigns
     */
    private function check(array $item, \context $context, bool $assigns): void {
        $user = $this->users[$item['userid']] ?? null;
        if ($assigns && (!$user || $user->deleted)) {
            throw new refusal($user ? 'account_deleted' : 'account_missing', 'there is no such account');
        }
        if ($user && ($protection = accounts::protection($user)) && $protection !== 'remote') {
            throw new refusal('protected', $protection);
        }
        if (!isset($this->assignable[$context->id])) {
            $this->assignable[$context->id] = get_assignable_roles($context, ROLENAME_SHORT);
        }
        if (!isset($this->assignable[$context->id][$item['roleid']])) {
            throw new refusal('role_not_assignable', "role {$item['roleid']}");
        }
    }

    /**
     * Where a role holds.
     *
     * @param array $item
     * @return \context|null
     */
    private function context(array $item): ?\context {
        $level = self::LEVELS[$item['contextlevel']];
        $instance = $level === CONTEXT_SYSTEM ? 0 : $item['instanceid'];
        $key = "$level:$instance";
        if (!array_key_exists($key, $this->contexts)) {
            switch ($level) {
                case CONTEXT_SYSTEM:
                    $context = \context_system::instance();
                    break;
                case CONTEXT_COURSECAT:
                    $context = \context_coursecat::instance($instance, IGNORE_MISSING);
                    break;
                default:
                    $context = \context_course::instance($instance, IGNORE_MISSING);
            }
            $this->contexts[$key] = $context ?: null;
        }
        return $this->contexts[$key];
    }
}
