<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

namespace local_rollbook\local;

defined('MOODLE_INTERNAL') || die();

global $CFG;
require_once($CFG->libdir . '/filelib.php');

/**
 * Sends waiting changes to Rollbook, signed, in messages that it reads.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */
class sender {
    /** Path of Rollbook's endpoint. */
    const PATH = '/api/v1/events/moodle';
    /** Most changes in a message. */
    const BATCH = 100;
    /** Most bytes of a message that Rollbook reads. */
    const BYTES = 16384;
    /** Most messages of one task; what is left is for the next. */
    const MESSAGES = 100;
    /** Seconds between tries: the first pause, and the longest. */
    const PAUSE = 30;
    /** The longest pause. */
    const PAUSE_MAX = 3600;

    /**
     * Sends what waits.
     *
     * @return int seconds after which there is something to do again; 0: nothing waits
     */
    public function send(): int {
        $left = 0;
        for ($message = 0; $message < self::MESSAGES; $message++) {
            $rows = $this->waiting();
            if (!$rows) {
                return 0;
            }
            $error = $this->deliver($rows);
            if ($error !== '') {
                $fails = min(20, (int) get_config('local_rollbook', 'sendfails') + 1);
                set_config('sendfails', $fails, 'local_rollbook');
                set_config('senderror', gmdate('Y-m-d H:i') . ' UTC: ' . $error, 'local_rollbook');
                return min(self::PAUSE_MAX, self::PAUSE * 2 ** ($fails - 1));
            }
            $left = 1;
        }
        return $left;
    }

    /**
     * Sends one empty message, to see whether Rollbook takes it.
     *
     * @return string why not; empty when it does
     */
    public function test(): string {
        return $this->post([])[1];
    }

    /**
     * The oldest changes that wait.
     *
     * @return \stdClass[]
     */
    private function waiting(): array {
        global $DB;
        return $DB->get_records('local_rollbook_change', ['timesent' => 0], 'id', '*', 0, self::BATCH);
    }

    /**
     * Sends changes, fewer where they are too many for a message.
     *
     * @param \stdClass[] $rows by id
     * @return string why it failed; empty when Rollbook has them
     */
    private function deliver(array $rows): string {
        global $DB;
        while (true) {
            [$in, $params] = $DB->get_in_or_equal(array_keys($rows), SQL_PARAMS_NAMED);
            // Before sending: a change of the same from now on is news.
            $DB->set_field_select('local_rollbook_change', 'timetaken', time(), "timetaken = 0 AND id $in", $params);
            [$status, $error] = $this->post(array_values(array_map([changes::class, 'answer'], $rows)));
            if ($status === 413 && count($rows) > 1) {
                $rows = array_slice($rows, 0, intdiv(count($rows), 2), true);
                continue;
            }
            if ($error === '') {
                $DB->set_field_select('local_rollbook_change', 'timesent', time(), "id $in", $params);
                set_config('lastsent', time(), 'local_rollbook');
                if (get_config('local_rollbook', 'sendfails')) {
                    set_config('sendfails', 0, 'local_rollbook');
                    set_config('senderror', '', 'local_rollbook');
                }
            }
            return $error;
        }
    }

    /**
     * Posts a message.
     *
     * @param array $changes
     * @return array status of HTTP, 0 for none or 413 for one that Rollbook would not read; and what is wrong with it
     */
    private function post(array $changes): array {
        global $CFG;
        $body = json_encode([
            'version' => setup::PROTOCOL, 'site' => $CFG->wwwroot, 'sent' => time(), 'changes' => $changes,
        ], JSON_UNESCAPED_SLASHES);
        if (strlen($body) > self::BYTES) {
            return [413, 'the message is too long'];
        }
        $headers = self::sign((string) get_config('local_rollbook', 'secret'), time(), $body);
        [$status, $error] = $this->transfer(rtrim((string) get_config('local_rollbook', 'url'), '/') . self::PATH, $headers, $body);
        if ($error !== '') {
            return [0, $error];
        }
        // 409: Rollbook took this very message before.
        $taken = ($status >= 200 && $status < 300) || $status === 409;
        return [$status, $taken ? '' : "HTTP $status"];
    }

    /**
     * The headers by which Rollbook believes a message.
     *
     * @param string $secret
     * @param int $time
     * @param string $body
     * @return string[]
     */
    public static function sign(string $secret, int $time, string $body): array {
        return [
            'content-type: application/json',
            "x-rollbook-timestamp: $time",
            'x-rollbook-signature: sha256=' . hash_hmac('sha256', "$time.$body", $secret),
        ];
    }

    /**
     * Carries a message; tests carry it elsewhere.
     *
     * @param string $url
     * @param string[] $headers
     * @param string $body
     * @return array status of HTTP, and why there is none
     */
    protected function transfer(string $url, array $headers, string $body): array {
        // An administrator names the address, which is mostly one inside that Moodle keeps users' addresses from.
        $curl = new \curl(['ignoresecurity' => true]);
        $curl->setHeader($headers);
        $curl->post($url, $body, [
            'CURLOPT_CONNECTTIMEOUT' => 5, 'CURLOPT_TIMEOUT' => 20, 'CURLOPT_FOLLOWLOCATION' => false, 'CURLOPT_MAXREDIRS' => 0,
        ]);
        return [(int) ($curl->get_info()['http_code'] ?? 0), $curl->get_errno() ? (string) $curl->error : ''];
    }
}
