<?php

namespace Drupal\avc_moodle_sync;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Utility\Unicode;
use Drupal\Core\Database\Connection;
use Drupal\Core\Lock\LockBackendInterface;
use Drupal\Core\State\StateInterface;
use GuzzleHttp\ClientInterface;
use GuzzleHttp\Exception\GuzzleException;

/**
 * Sends queued events to Rollbook.
 *
 * One that Rollbook cannot read has failed; anything else that goes wrong is Rollbook's or the network's, stops the
 * run, and is tried again after a while that doubles. Events that were tried least come first, so that none is in the
 * way of all.
 */
class EventSender {

  const LOCK = 'avc_moodle_sync_send';
  const STATE = 'avc_moodle_sync.sending';

  /**
   * An event that was tried so often has failed: almost three days of trying, once waits are at their longest.
   */
  const ATTEMPTS_MAX = 400;

  /**
   * The longest wait, in seconds.
   */
  const WAIT_MAX = 600;

  /**
   * For how long failed events are shown.
   */
  const KEEP_SECONDS = 30 * 86400;

  public function __construct(
    protected Connection $database,
    protected EventQueue $events,
    protected Credentials $credentials,
    protected ClientInterface $client,
    protected LockBackendInterface $lock,
    protected StateInterface $state,
    protected TimeInterface $time,
  ) {}

  /**
   * Sends what waits, for so many seconds at most.
   *
   * @param float $seconds
   *   When to stop.
   * @param bool $anyway
   *   Whether to try although Rollbook was not there a moment ago.
   *
   * @return int
   *   How many were sent.
   */
  public function send(float $seconds, bool $anyway = FALSE): int {
    $standing = $this->state->get(self::STATE, []);
    if ($this->events->address() === '' || (!$anyway && ($standing['not_before'] ?? 0) > $this->time->getCurrentTime())) {
      return 0;
    }
    if (!$this->lock->acquire(self::LOCK, $seconds + 15)) {
      // Another request is sending; it may have looked before this one's event was there.
      $this->lock->wait(self::LOCK, (int) ceil($seconds));
      if (!$this->lock->acquire(self::LOCK, $seconds + 15)) {
        return 0;
      }
    }
    try {
      return $this->sendUntil(microtime(TRUE) + $seconds);
    }
    finally {
      $this->lock->release(self::LOCK);
    }
  }

  /**
   * Sends until nothing waits, Rollbook does not answer, or the time is over.
   */
  protected function sendUntil(float $end): int {
    $this->events->fold();
    $sent = 0;
    while ($rows = $this->due()) {
      foreach ($rows as $row) {
        if (microtime(TRUE) >= $end) {
          return $sent;
        }
        [$status, $error, $wait] = $this->post($row->endpoint, $row->body, max(1.0, min(10.0, $end - microtime(TRUE))));
        // 409: it was taken before, and the answer was lost.
        if (($status >= 200 && $status < 300) || $status === 409) {
          $this->database->delete('avc_moodle_sync_event')->condition('id', $row->id)->execute();
          $this->wentWell();
          $sent++;
          continue;
        }
        $unreadable = in_array($status, [400, 413, 422], TRUE);
        $this->database->update('avc_moodle_sync_event')->fields([
          'attempts' => $row->attempts + 1,
          'failed' => (int) ($unreadable || $row->attempts + 1 >= self::ATTEMPTS_MAX),
          'error' => $error,
        ])->condition('id', $row->id)->execute();
        if (!$unreadable) {
          $this->wentWrong($error, $wait);
          return $sent;
        }
      }
    }
    return $sent;
  }

  /**
   * The next events to send.
   */
  protected function due(): array {
    return $this->database->queryRange('SELECT id, endpoint, body, attempts FROM {avc_moodle_sync_event} WHERE failed = 0 ORDER BY attempts, id', 0, 50)->fetchAll();
  }

  /**
   * Sends one event.
   *
   * @return array
   *   The status, 0 where there was no answer; what went wrong; how long Rollbook asks to wait, in seconds.
   */
  protected function post(string $endpoint, string $body, float $seconds): array {
    try {
      $answer = $this->client->request('POST', $this->events->address() . "/api/v1/events/$endpoint", [
        'body' => $body,
        'headers' => Signature::headers($this->credentials->secret(), $this->time->getCurrentTime(), $body) + ['Content-Type' => 'application/json'],
        'connect_timeout' => min(3.0, $seconds),
        'timeout' => $seconds,
        'http_errors' => FALSE,
        'allow_redirects' => FALSE,
      ]);
    }
    catch (GuzzleException $e) {
      return [0, Unicode::truncate($e->getMessage(), 250), 0];
    }
    $status = $answer->getStatusCode();
    $hint = match (TRUE) {
      $status === 401 => ': the secret is another one, or a clock is wrong',
      $status === 404 => ': this is not the address of a Rollbook that takes such events',
      $status >= 300 && $status < 400 => ': the address leads elsewhere',
      default => '',
    };
    return [$status, "Rollbook answered $status$hint", (int) $answer->getHeaderLine('Retry-After')];
  }

  /**
   * Keeps in mind that Rollbook took one.
   */
  protected function wentWell(): void {
    $this->state->set(self::STATE, ['sent' => $this->time->getCurrentTime(), 'failures' => 0, 'not_before' => 0, 'error' => '']);
  }

  /**
   * Keeps in mind that Rollbook took none.
   */
  protected function wentWrong(string $error, int $wait): void {
    $standing = $this->state->get(self::STATE, []);
    $failures = ($standing['failures'] ?? 0) + 1;
    $wait = max($wait, 15 * 2 ** min($failures - 1, 8));
    $this->state->set(self::STATE, [
      'sent' => $standing['sent'] ?? 0,
      'failures' => $failures,
      'not_before' => $this->time->getCurrentTime() + min($wait, self::WAIT_MAX),
      'error' => $error,
    ]);
  }

  /**
   * How sending goes.
   *
   * @return array
   *   connected, waiting, failed, oldest (time), sent (time), failures (in a row), not_before (time), error.
   */
  public function standing(): array {
    $rows = $this->database->query('SELECT failed, COUNT(*) AS events, MIN(created) AS oldest FROM {avc_moodle_sync_event} GROUP BY failed')->fetchAllAssoc('failed');
    $standing = $this->state->get(self::STATE, []);
    return [
      'connected' => $this->events->address() !== '',
      'waiting' => (int) ($rows[0]->events ?? 0),
      'failed' => (int) ($rows[1]->events ?? 0),
      'oldest' => isset($rows[0]) ? (int) $rows[0]->oldest : NULL,
      'sent' => ($standing['sent'] ?? 0) ?: NULL,
      'failures' => $standing['failures'] ?? 0,
      'not_before' => ($standing['not_before'] ?? 0) ?: NULL,
      'error' => $standing['error'] ?? '',
    ];
  }

  /**
   * Forgets events that failed long ago.
   */
  public function prune(): void {
    $this->database->delete('avc_moodle_sync_event')
      ->condition('failed', 1)
      ->condition('created', $this->time->getCurrentTime() - self::KEEP_SECONDS, '<')
      ->execute();
  }

}
