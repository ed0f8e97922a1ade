<?php

namespace Drupal\avc_moodle_sync;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Uuid\UuidInterface;
use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Database\Connection;

/**
 * Events for Rollbook, kept until they are sent. A row is written in the transaction of the change itself.
 */
class EventQueue {

  /**
   * More events of one guild's members than this are sent as one event of the guild.
   */
  const MEMBERS_MAX = 20;

  /**
   * Whether this request has queued anything.
   */
  protected bool $used = FALSE;

  public function __construct(
    protected Connection $database,
    protected ConfigFactoryInterface $config,
    protected Credentials $credentials,
    protected TimeInterface $time,
    protected UuidInterface $uuid,
  ) {}

  /**
   * Rollbook's address, without a slash at its end; empty where events are not sent.
   */
  public function address(): string {
    $url = (string) $this->config->get('avc_moodle_sync.settings')->get('rollbook_url');
    return $url !== '' && $this->credentials->secret() !== '' ? rtrim($url, '/') : '';
  }

  /**
   * Queues an event of a person's membership.
   */
  public function member(string $event, int $uid, ?int $gid = NULL, array $more = []): void {
    $this->add('membership', $event, $gid, $uid, $more);
  }

  /**
   * Queues an event of a guild.
   */
  public function guild(string $event, int $gid, array $more = []): void {
    $this->add('guild', $event, $gid, NULL, $more);
  }

  /**
   * Queues an event, where there is somebody to send it to.
   */
  protected function add(string $endpoint, string $event, ?int $gid, ?int $uid, array $more): void {
    if ($this->address() === '') {
      return;
    }
    $now = $this->time->getCurrentTime();
    $body = ['id' => $this->uuid->generate(), 'event' => $event, 'at' => $now];
    $body += array_filter(['guild' => $gid, 'user' => $uid], fn($value) => $value !== NULL) + $more;
    $this->database->insert('avc_moodle_sync_event')->fields([
      'endpoint' => $endpoint,
      'gid' => $gid,
      'uid' => $uid,
      'body' => json_encode($body, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE),
      'created' => $now,
    ])->execute();
    $this->used = TRUE;
  }

  /**
   * Whether this request has queued anything.
   */
  public function wasUsed(): bool {
    return $this->used;
  }

  /**
   * Makes one event of a guild out of very many events of its members.
   */
  public function fold(): void {
    $many = $this->database->query('SELECT gid, MAX(id) AS last FROM {avc_moodle_sync_event} WHERE failed = 0 AND endpoint = :endpoint AND gid IS NOT NULL GROUP BY gid HAVING COUNT(*) > :max', [
      ':endpoint' => 'membership',
      ':max' => self::MEMBERS_MAX,
    ])->fetchAllKeyed();
    foreach ($many as $gid => $last) {
      $transaction = $this->database->startTransaction();
      $this->guild('members_changed', (int) $gid);
      $this->database->delete('avc_moodle_sync_event')
        ->condition('gid', $gid)
        ->condition('endpoint', 'membership')
        ->condition('failed', 0)
        ->condition('id', $last, '<=')
        ->execute();
      unset($transaction);
    }
  }

}
