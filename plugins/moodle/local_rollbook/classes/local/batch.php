<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

use core\lock\lock_config;

/**
 * Works on the items of a call, once for each key, until the time is up. One that fails leaves nothing and spoils no other.
 *
 * Items share a transaction by twenties, since a commit costs as much as an item. Where one fails after it wrote, its twenty are
 * rolled back and done again, each in a transaction of its own.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class batch {
    /** Seconds to wait for another call that does the same. */
    const WAIT = 20;
    /** Items in one transaction. */
    const TOGETHER = 20;

    /** @var array items that are not worked on yet */
    private $rest;
    /** @var callable gets items, looks up what they need, and returns what works on one */
    private $prepare;
    /** @var callable|null what works on one; null: what was looked up may no longer be so */
    private $work = null;
    /** @var keys */
    private $keys;
    /** @var float when the time is up */
    private $deadline;

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
            $results = actor::act(static function () use ($function, $items, $prepare): array {
                return (new self($function, array_values($items), $prepare))->all();
            });
        } finally {
            $lock->release();
        }
        status::count($function, count($results), count(array_filter($results, static function (array $result): bool {
            return $result['status'] === 'failed';
        })));
        return $results;
    }

    /**
     * A batch.
     *
     * @param string $function
     * @param array $items
     * @param callable $prepare
     */
    private function __construct(string $function, array $items, callable $prepare) {
        $this->rest = $items;
        $this->prepare = $prepare;
        $this->keys = new keys($function, array_column($items, 'key'));
        $this->deadline = microtime(true) + limits::SECONDS;
    }

    /**
     * Works on all items.
     *
     * @return array
     */
    private function all(): array {
        $results = [];
        while ($this->rest) {
            $some = array_slice($this->rest, 0, self::TOGETHER);
            $answers = $this->together($some);
            if ($answers === null) {
                $answers = array_merge(...array_map(function (array $item): array {
                    return $this->together([$item]);
                }, $some));
            }
            $results = array_merge($results, $answers);
            $this->rest = array_slice($this->rest, count($some));
        }
        return $results;
    }

    /**
     * Works on items in one transaction.
     *
     * @param array $items
     * @return array|null results; null where several must be done again, each by itself
     */
    private function together(array $items): ?array {
        global $DB;
        $transaction = $DB->start_delegated_transaction();
        try {
            $results = array_map([$this, 'one'], $items);
            $this->keys->write();
            $transaction->allow_commit();
            $this->keys->settle();
            return $results;
        } catch (\Throwable $error) {
            try {
                $transaction->rollback($error);
            } catch (\Throwable $again) {
                // Moodle throws the same error again; anything else means that the database is gone.
                if ($again !== $error) {
                    throw $again;
                }
            }
            $this->keys->forget();
            $this->work = null;
            // Contexts that were made in what was rolled back.
            \context_helper::reset_caches();
            return count($items) === 1 ? [['key' => $items[0]['key']] + self::failure($error)] : null;
        }
    }

    /**
     * Works on one item.
     *
     * @param array $item
     * @return array
     */
    private function one(array $item): array {
        global $DB;
        $key = ['key' => $item['key']];
        if ($this->keys->knows($item['key'])) {
            return $key + $this->keys->recall($item);
        }
        if (microtime(true) > $this->deadline) {
            return $key + self::outcome('skipped', 'time_budget', 'the time of a call was up; send it again');
        }
        if (!$this->work) {
            $this->work = ($this->prepare)(array_values(array_filter($this->rest, function (array $item): bool {
                return !$this->keys->knows($item['key']);
            })));
        }
        $writes = $DB->perf_get_writes();
        try {
            [$status, $fields] = ($this->work)($item);
        } catch (refusal $refusal) {
            if ($DB->perf_get_writes() !== $writes) {
                throw $refusal;
            }
            return $key + self::failure($refusal);
        }
        $result = self::outcome($status) + $fields;
        if ($status === 'done') {
            $this->keys->keep($item, $result);
        }
        return $key + $result;
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
