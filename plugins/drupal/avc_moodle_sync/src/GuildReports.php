<?php

namespace Drupal\avc_moodle_sync;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Utility\UrlHelper;
use Drupal\Core\Cache\CacheTagsInvalidatorInterface;
use Drupal\Core\Database\Connection;

/**
 * What Rollbook reported of each guild, for people to see on the guild's page.
 */
class GuildReports {

  const STATES = ['in_step', 'waiting', 'held', 'failed', 'archived'];
  const ITEMS_MAX = 500;

  /**
   * Who has asked for a sync may ask again after so many seconds.
   */
  const ASK_SECONDS = 30;

  public function __construct(
    protected Connection $database,
    protected GroupModel $model,
    protected CacheTagsInvalidatorInterface $invalidator,
    protected TimeInterface $time,
  ) {}

  /**
   * Takes reports; one that cannot be taken does not touch the others.
   *
   * @param array $items
   *   As the interface describes them.
   *
   * @return array
   *   taken: how many; refused: index, code and message of the others.
   */
  public function take(array $items): array {
    if (!array_is_list($items) || count($items) > self::ITEMS_MAX) {
      throw new ApiException(400, 'bad_report', 'guilds is a list of at most ' . self::ITEMS_MAX . ' items.');
    }
    $numbers = $this->numbers($items);
    $taken = [];
    $refused = [];
    foreach ($items as $index => $item) {
      [$fields, $problem] = $this->read($item);
      $gid = is_array($item) ? ($numbers[strtolower($this->text($item, 'uuid', 128) ?? '')] ?? NULL) : NULL;
      if ($problem === NULL && $gid === NULL) {
        $refused[] = ['index' => $index, 'code' => 'no_guild', 'message' => 'There is no guild of this UUID.'];
      }
      elseif ($problem !== NULL) {
        $refused[] = ['index' => $index, 'code' => 'bad_item', 'message' => $problem];
      }
      else {
        $fields['reported'] = $this->time->getCurrentTime();
        $this->database->merge('avc_moodle_sync_guild')->key('gid', $gid)->fields($fields)->execute();
        $taken[] = self::tag($gid);
      }
    }
    $taken && $this->invalidator->invalidateTags($taken);
    return ['taken' => count($taken), 'refused' => $refused];
  }

  /**
   * Reads one report.
   *
   * @return array
   *   The fields, and what is wrong with it or NULL.
   */
  protected function read(mixed $item): array {
    if (!is_array($item) || !in_array($item['state'] ?? NULL, self::STATES, TRUE)) {
      return [[], 'state is one of ' . implode(', ', self::STATES) . '.'];
    }
    $cohort = $item['cohort'] ?? [];
    if (!is_array($cohort)) {
      return [[], 'cohort is an object or null.'];
    }
    $fields = [
      'state' => $item['state'],
      'cohort_id' => $this->number($cohort, 'id'),
      'cohort_idnumber' => $this->text($cohort, 'idnumber', 100),
      'cohort_name' => $this->text($cohort, 'name', 255),
      'cohort_url' => $this->text($cohort, 'url', 1000),
      'members' => $this->number($item, 'members'),
      'in_step' => $this->number($item, 'in_step'),
      'message' => $this->text($item, 'message', 1000),
      'synced' => $this->number($item, 'synced') ?? 0,
    ];
    foreach ($fields as $name => $value) {
      if ($value === FALSE || ($value === NULL && in_array($name, ['cohort_idnumber', 'cohort_name', 'cohort_url', 'message']))) {
        return [[], "$name is too long, too large, or of another kind."];
      }
    }
    // It becomes a link on a page.
    if ($fields['cohort_url'] !== '' && !(UrlHelper::isValid($fields['cohort_url'], TRUE) && preg_match('~^https?://~i', $fields['cohort_url']))) {
      return [[], 'cohort_url is no web address.'];
    }
    return [$fields, NULL];
  }

  /**
   * A text of an item: empty where there is none, NULL where it is not one of that length.
   */
  protected function text(array $item, string $name, int $length): ?string {
    $value = $item[$name] ?? '';
    return is_string($value) && mb_check_encoding($value, 'UTF-8') && mb_strlen($value) <= $length ? $value : NULL;
  }

  /**
   * A number of an item: NULL where there is none, FALSE where it is not one.
   */
  protected function number(array $item, string $name): int|false|null {
    $value = $item[$name] ?? NULL;
    return $value === NULL || (is_int($value) && $value >= 0 && $value <= 4294967295) ? $value : FALSE;
  }

  /**
   * The numbers of the guilds that are reported, by UUID.
   */
  protected function numbers(array $items): array {
    $uuids = array_filter(array_map(fn($item) => is_array($item) ? $this->text($item, 'uuid', 128) : NULL, $items));
    $types = $this->model->groupTypes();
    if (!$uuids || !$types) {
      return [];
    }
    $table = $this->model->tables()['groups_base'];
    $found = $this->database->query("SELECT uuid, id FROM {{$table}} WHERE uuid IN (:uuids[]) AND type IN (:types[])", [
      ':uuids[]' => array_values($uuids),
      ':types[]' => $types,
    ])->fetchAllKeyed();
    return array_map('intval', array_change_key_case($found));
  }

  /**
   * What is known of some guilds.
   *
   * @param int[] $gids
   *   Their numbers.
   *
   * @return object[]
   *   Rows, by number.
   */
  public function of(array $gids): array {
    return $gids ? $this->database->query('SELECT * FROM {avc_moodle_sync_guild} WHERE gid IN (:gids[])', [':gids[]' => $gids])->fetchAllAssoc('gid') : [];
  }

  /**
   * Notes that somebody asks for a sync of a guild; not so soon after the last time.
   */
  public function ask(int $gid, int $uid): bool {
    $now = $this->time->getCurrentTime();
    $last = (int) $this->database->query('SELECT asked FROM {avc_moodle_sync_guild} WHERE gid = :gid', [':gid' => $gid])->fetchField();
    if ($last > $now - self::ASK_SECONDS) {
      return FALSE;
    }
    $this->database->merge('avc_moodle_sync_guild')->key('gid', $gid)->fields(['asked' => $now, 'asked_by' => $uid])->execute();
    $this->invalidator->invalidateTags([self::tag($gid)]);
    return TRUE;
  }

  /**
   * Forgets a guild that is deleted.
   */
  public function forget(int $gid): void {
    $this->database->delete('avc_moodle_sync_guild')->condition('gid', $gid)->execute();
  }

  /**
   * The cache tag of what is shown of a guild.
   */
  public static function tag(int $gid): string {
    return "avc_moodle_sync_guild:$gid";
  }

}
