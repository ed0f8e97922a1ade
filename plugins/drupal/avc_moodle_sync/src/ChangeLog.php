<?php

namespace Drupal\avc_moodle_sync;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Core\Database\Connection;
use Drupal\Core\State\StateInterface;

/**
 * What changed, in order, and the cursors into it.
 *
 * A row is written in the transaction of the change itself. Numbers are given when a row is written and seen when it
 * is committed, so that a lower number may appear after a higher one. A cursor therefore never passes a number that is
 * missing and may still come, while readers are given all that is there: they hear of every change, of some twice.
 */
class ChangeLog {

  /**
   * For how long a missing number may still come, in seconds: longer than any transaction of a web request.
   */
  const OPEN_SECONDS = 900;

  /**
   * For how long changes are kept.
   */
  const KEEP_SECONDS = 30 * 86400;

  /**
   * More guilds than this are not given as changes.
   */
  const GUILDS_MAX = 5000;

  public function __construct(
    protected Connection $database,
    protected StateInterface $state,
    protected TimeInterface $time,
    protected GroupModel $model,
  ) {}

  /**
   * Writes down that a guild changed.
   */
  public function guildChanged(int $gid): void {
    $this->write(['gid' => $gid]);
  }

  /**
   * Writes down that a guild was deleted.
   */
  public function guildGone(int $gid, string $uuid, string $type): void {
    $this->write(['gid' => $gid, 'gone_uuid' => $uuid, 'gone_type' => $type]);
  }

  /**
   * Writes down that a person changed, in all guilds.
   */
  public function personChanged(int $uid): void {
    $this->write(['uid' => $uid]);
  }

  /**
   * Writes one row.
   */
  protected function write(array $fields): void {
    $this->database->insert('avc_moodle_sync_change')
      ->fields($fields + ['created' => $this->time->getCurrentTime()])
      ->execute();
  }

  /**
   * The place of the newest change; it may be after the cursor of now.
   */
  public function last(): int {
    return (int) $this->database->query('SELECT MAX(id) FROM {avc_moodle_sync_change}')->fetchField();
  }

  /**
   * The cursor of now: whatever changes from here on is after it.
   */
  public function now(): string {
    $edge = $this->time->getCurrentTime() - self::OPEN_SECONDS;
    $young = $this->database->query('SELECT MIN(id) AS low, MAX(id) AS high, COUNT(*) AS rows_seen FROM {avc_moodle_sync_change} WHERE created >= :edge', [':edge' => $edge])->fetchObject();
    if (!$young->rows_seen) {
      return $this->cursor($this->last());
    }
    $before = (int) $this->database->query('SELECT MAX(id) FROM {avc_moodle_sync_change} WHERE id < :low', [':low' => $young->low])->fetchField();
    if ($young->high - $before === (int) $young->rows_seen) {
      return $this->cursor((int) $young->high);
    }
    if ($young->low > $before + 1) {
      return $this->cursor($before);
    }
    $gap = $this->database->query('SELECT MIN(a.id) FROM {avc_moodle_sync_change} a LEFT JOIN {avc_moodle_sync_change} b ON b.id = a.id + 1 WHERE a.id >= :low AND a.id < :high AND b.id IS NULL', [
      ':low' => $young->low,
      ':high' => $young->high,
    ])->fetchField();
    return $this->cursor((int) ($gap ?: $young->high));
  }

  /**
   * What makes all cursors void when it changes: the installation, and what is a guild.
   */
  protected function epoch(): string {
    return substr(hash('sha256', $this->state->get('avc_moodle_sync.epoch') . $this->model->mark()), 0, 8);
  }

  /**
   * A cursor to a row: the epoch, the row's number and time.
   */
  protected function cursor(int $id): string {
    $created = (int) $this->database->query('SELECT created FROM {avc_moodle_sync_change} WHERE id = :id', [':id' => $id])->fetchField();
    return $this->epoch() . ".$id.$created";
  }

  /**
   * The number of the row that a cursor means.
   *
   * The row itself must still be there with the same time: after a reinstallation, a restored backup, other settings or 30
   * days, nobody can say what changed since, and the reader has to read everything.
   */
  public function place(string $cursor): int {
    $known = preg_match('/^([0-9a-f]{8})\.(\d{1,18})\.(\d{1,18})$/', $cursor, $parts)
      && $parts[1] === $this->epoch();
    if ($known && $parts[2] === '0') {
      $known = !$this->state->get('avc_moodle_sync.pruned', FALSE);
    }
    elseif ($known) {
      $created = $this->database->query('SELECT created FROM {avc_moodle_sync_change} WHERE id = :id', [':id' => $parts[2]])->fetchField();
      $known = $created !== FALSE && (string) $created === $parts[3];
    }
    if (!$known) {
      throw new ApiException(410, 'cursor_unknown', 'What changed since this cursor is not known any more: read everything.');
    }
    return (int) $parts[2];
  }

  /**
   * The guilds that changed after one place, up to another.
   *
   * @return int[]
   *   Numbers of groups, also of such as are not there any more.
   */
  public function guilds(int $after, int $upto): array {
    $range = [':after' => $after, ':upto' => $upto];
    $guilds = $this->database->queryRange('SELECT DISTINCT gid FROM {avc_moodle_sync_change} WHERE id > :after AND id <= :upto AND gid IS NOT NULL', 0, self::GUILDS_MAX + 1, $range)->fetchCol();
    $people = $this->database->queryRange('SELECT DISTINCT uid FROM {avc_moodle_sync_change} WHERE id > :after AND id <= :upto AND uid IS NOT NULL', 0, self::GUILDS_MAX + 1, $range)->fetchCol();
    if (count($people) <= self::GUILDS_MAX) {
      $t = $this->model->tables();
      $bundles = array_values($this->model->bundles($this->model->groupTypes()));
      foreach ($bundles ? array_chunk($people, 500) : [] as $some) {
        $guilds = array_merge($guilds, $this->database->query("SELECT DISTINCT {$t['group']} FROM {{$t['membership']}} WHERE {$t['user']} IN (:people[]) AND type IN (:bundles[])", [
          ':people[]' => $some,
          ':bundles[]' => $bundles,
        ])->fetchCol());
      }
    }
    $guilds = array_values(array_unique(array_map('intval', $guilds)));
    if (count($people) > self::GUILDS_MAX || count($guilds) > self::GUILDS_MAX) {
      throw new ApiException(410, 'too_many_changes', 'Too much changed since this cursor: read everything.');
    }
    sort($guilds);
    return $guilds;
  }

  /**
   * The guilds that were deleted after one place, up to another.
   *
   * @param int $after
   *   The place after which.
   * @param int $upto
   *   The last place.
   * @param string[] $types
   *   Group types.
   *
   * @return array[]
   *   id, uuid and type of each.
   */
  public function gone(int $after, int $upto, array $types): array {
    $rows = $this->database->query("SELECT DISTINCT gid, gone_uuid, gone_type FROM {avc_moodle_sync_change} WHERE id > :after AND id <= :upto AND gone_uuid <> '' ORDER BY gid", [':after' => $after, ':upto' => $upto]);
    $gone = [];
    foreach ($rows as $row) {
      if (in_array($row->gone_type, $types, TRUE)) {
        $gone[] = ['id' => (int) $row->gid, 'uuid' => $row->gone_uuid, 'type' => $row->gone_type];
      }
    }
    return $gone;
  }

  /**
   * Forgets old changes; never the newest, by which a quiet site's cursor is known.
   */
  public function prune(): void {
    $newest = $this->last();
    $gone = $this->database->delete('avc_moodle_sync_change')
      ->condition('created', $this->time->getCurrentTime() - self::KEEP_SECONDS, '<')
      ->condition('id', $newest, '<')
      ->execute();
    if ($gone) {
      $this->state->set('avc_moodle_sync.pruned', TRUE);
    }
  }

}
