<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

/**
 * The keys of changes that were done. Whoever sends a change again, because no answer came, gets the first one's answer.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
final class keys {
    /** Most characters of a key. */
    const LENGTH = 128;

    /** @var string the function that is called */
    private $function;
    /** @var array records by key */
    private $known = [];
    /** @var \stdClass[] what was kept in the transaction that is open, by key */
    private $fresh = [];

    /**
     * Looks up the keys of a call.
     *
     * @param string $function name of the function
     * @param string[] $keys '' is none
     */
    public function __construct(string $function, array $keys) {
        global $DB;
        $this->function = $function;
        foreach ($keys as $key) {
            if (strlen($key) > self::LENGTH) {
                throw new \moodle_exception('keytoolong', 'local_rollbook', '', self::LENGTH);
            }
        }
        foreach (array_chunk(array_values(array_filter($keys, 'strlen')), 500) as $some) {
            $records = $DB->get_records_list('local_rollbook_key', 'itemkey', $some, '', 'itemkey, hash, result');
            foreach ($records as $record) {
                // The database may fold case.
                if (in_array($record->itemkey, $some, true)) {
                    $this->known[$record->itemkey] = $record;
                }
            }
        }
    }

    /**
     * Whether that was done before.
     *
     * @param string $key
     * @return bool
     */
    public function knows(string $key): bool {
        return $key !== '' && isset($this->known[$key]);
    }

    /**
     * The answer of before; a refusal where the key was another item's.
     *
     * @param array $item
     * @return array
     */
    public function recall(array $item): array {
        $record = $this->known[$item['key']];
        if ($record->hash !== $this->hash($item)) {
            return [
                'status' => 'failed', 'code' => 'key_conflict', 'repeated' => false,
                'message' => 'the key was used for something else',
            ];
        }
        return ['repeated' => true] + json_decode($record->result, true);
    }

    /**
     * Keeps an answer; {@see write()} writes it.
     *
     * @param array $item
     * @param array $result
     */
    public function keep(array $item, array $result): void {
        if ($item['key'] !== '') {
            $this->fresh[$item['key']] = (object) [
                'itemkey' => $item['key'], 'hash' => $this->hash($item), 'result' => json_encode($result), 'timecreated' => time(),
            ];
            $this->known[$item['key']] = $this->fresh[$item['key']];
        }
    }

    /**
     * Writes what was kept, all at once, in the transaction of what it answers for.
     */
    public function write(): void {
        global $DB;
        if ($this->fresh) {
            $DB->insert_records('local_rollbook_key', array_values($this->fresh));
        }
    }

    /**
     * That transaction is done.
     */
    public function settle(): void {
        $this->fresh = [];
    }

    /**
     * Forgets what was kept in a transaction that was rolled back.
     */
    public function forget(): void {
        $this->known = array_diff_key($this->known, $this->fresh);
        $this->fresh = [];
    }

    /**
     * Tells an item from another of the same key.
     *
     * @param array $item
     * @return string
     */
    private function hash(array $item): string {
        ksort($item);
        return hash('sha256', $this->function . json_encode($item));
    }
}
