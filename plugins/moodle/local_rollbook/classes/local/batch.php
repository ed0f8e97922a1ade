<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

use core\lock\lock_config;

/**
 * Works on the items of a call, each by itself: in a transaction of its own, once for each key, until the time is up.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class batch {
    /** Seconds to wait for another call that does the same. */
    const WAIT = 20;

    /**
     * Works on all items; no two calls of one function run at a time.
     *
     * @param string $function name of the function, without component
     * @param array $items each with a key, '' for none
     * @param int $max how many are allowed
     * @param callable $prepare gets the items that are not done yet, looks up what they need, and returns what works on one: it
     *     gets an item and returns [status done or unchanged, fields of the result], or throws a refusal
     * @return array results, in the order of the items
     */
    public static function run(string $function, array $items, int $max, callable $prepare): array {
        limits::check(count($items), $max);
        \core_php_time_limit::raise(300);
        raise_memory_limit(MEMORY_EXTRA);
        $lock = lock_config::get_lock_factory('local_rollbook')->get_lock($function, self::WAIT);
        if (!$lock) {
            throw new \moodle_exception('busy', 'local_rollbook');
        }
        try {
            return actor::act(static function () use ($function, $items, $prepare): array {
                return self::work($function, array_values($items), $prepare);
            });
        } finally {
            $lock->release();
        }
    }

    /**
     * Works on all items.
     *
     * @param string $function
     * @param array $items
     * @param callable $prepare
     * @return array
     */
    private static function work(string $function, array $items, callable $prepare): array {
        $deadline = microtime(true) + limits::SECONDS;
        $keys = new keys($function, array_column($items, 'key'));
        $work = null;
        $results = [];
        $failed = 0;
        foreach ($items as $at => $item) {
            if ($keys->knows($item['key'])) {
                $result = $keys->recall($item);
            } else if (microtime(true) > $deadline) {
                $result = self::outcome('skipped', 'time_budget', 'the time of a call was up; send it again');
            } else {
                $work = $work ?? $prepare(array_values(array_filter(
                    array_slice($items, $at),
                    static function (array $item) use ($keys): bool {
                        return !$keys->knows($item['key']);
                    }
                )));
                $result = self::one($item, $keys, $work);
                if (in_array($result['code'], ['conflict', 'refused', 'internal'], true)) {
                    // What was looked up may no longer be so.
                    $work = null;
                }
            }
            $failed += $result['status'] === 'failed' ? 1 : 0;
            $results[] = ['key' => $item['key']] + $result;
        }
        status::count($function, count($items), $failed);
        return $results;
    }

    /**
     * Works on one item.
     *
     * @param array $item
     * @param keys $keys
     * @param callable $work
     * @return array
     */
    private static function one(array $item, keys $keys, callable $work): array {
        global $DB;
        $transaction = $DB->start_delegated_transaction();
        try {
            [$status, $fields] = $work($item);
            $result = self::outcome($status) + $fields;
            if ($status === 'done') {
                $keys->keep($item, $result);
            }
            $transaction->allow_commit();
            return $result;
        } catch (\Throwable $error) {
            try {
                $transaction->rollback($error);
            } catch (\Throwable $again) {
                // Moodle throws the same error again; anything else means that the database is gone.
                if ($again !== $error) {
                    throw $again;
                }
            }
            $keys->forget($item);
            // Contexts that were made in what was rolled back.
            \context_helper::reset_caches();
            return self::failure($error);
        }
    }

    /**
     * What an item that failed answers.
     *
     * @param \Throwable $error
     * @return array
     */
    private static function failure(\Throwable $error): array {
        if ($error instanceof refusal) {
            return self::outcome('failed', $error->reason, $error->getMessage()) + $error->known;
        }
        if ($error instanceof \dml_write_exception) {
            return self::outcome('failed', 'conflict', 'the database refused it: look again, then send it again');
        }
        if ($error instanceof \moodle_exception) {
            return self::outcome('failed', 'refused', $error->errorcode . ': ' . $error->getMessage());
        }
        return self::outcome('failed', 'internal', get_class($error) . ': ' . $error->getMessage());
    }

    /**
     * The fields that each result has.
     *
     * @param string $status
     * @param string $code
     * @param string $message
     * @return array
     */
    private static function outcome(string $status, string $code = '', string $message = ''): array {
        return ['status' => $status, 'code' => $code, 'message' => $message, 'repeated' => false];
    }
}
