<?php

namespace Drupal\avc_moodle_sync;

use Symfony\Component\HttpFoundation\Request;

/**
 * What a reader asks for, and where in it the page begins.
 */
class PageRequest {

  const ARGUMENTS = ['types', 'guild', 'user', 'name', 'mail', 'since', 'members', 'machine_name_field', 'limit', 'page'];
  const LIMIT = 5000;
  const LIMIT_MAX = 20000;
  const LIST_MAX = 200;

  /**
   * The walk that a page belongs to, as its token carries it.
   *
   * @var array|null
   *   cursor: where changes go on; upto: the last place of a walk through changes; count: of guilds and members;
   *   last: the last row of the page before, [guild] or [guild, membership].
   */
  public ?array $walk = NULL;

  /**
   * Takes the arguments as they are.
   *
   * @param string[]|null $types
   *   Group types; NULL for all that are guilds.
   * @param string[] $guilds
   *   Numbers or UUIDs.
   * @param array $person
   *   One of user, name and mail, and the value; empty for everybody.
   * @param string|null $since
   *   A cursor.
   * @param bool $members
   *   Whether members are wanted.
   * @param string|null $machineNameField
   *   A field of groups.
   * @param int $limit
   *   Most rows of a page.
   */
  public function __construct(
    public readonly ?array $types = NULL,
    public readonly array $guilds = [],
    public readonly array $person = [],
    public readonly ?string $since = NULL,
    public readonly bool $members = TRUE,
    public readonly ?string $machineNameField = NULL,
    public readonly int $limit = self::LIMIT,
  ) {}

  /**
   * Reads the arguments of a request; what is not understood is an error, never ignored.
   */
  public static function of(Request $request): self {
    $given = $request->query->all();
    foreach ($given as $name => $value) {
      if (!in_array($name, self::ARGUMENTS, TRUE) || !is_string($value)) {
        throw self::bad("there is no argument $name, or it is given as a list");
      }
    }
    $person = array_intersect_key($given, ['user' => 1, 'name' => 1, 'mail' => 1]);
    if (count($person) > 1) {
      throw self::bad('only one of user, name and mail may be given');
    }
    if (isset($person['user']) && !self::number($person['user'])) {
      throw self::bad('user is a number');
    }
    if (isset($given['since']) && ($person || isset($given['guild']))) {
      throw self::bad('since cannot be combined with guild, user, name or mail');
    }
    if (!in_array($given['members'] ?? '1', ['0', '1'], TRUE)) {
      throw self::bad('members is 0 or 1');
    }
    $limit = $given['limit'] ?? (string) self::LIMIT;
    if (!self::number($limit) || $limit > self::LIMIT_MAX) {
      throw self::bad('limit is a number from 1 to ' . self::LIMIT_MAX);
    }
    $guilds = self::list($given['guild'] ?? NULL) ?? [];
    foreach ($guilds as $guild) {
      if (!self::number($guild) && !preg_match('/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i', $guild)) {
        throw self::bad('guild is a list of numbers or UUIDs');
      }
    }
    $asked = new self(
      self::list($given['types'] ?? NULL),
      $guilds,
      $person ? [key($person), current($person)] : [],
      $given['since'] ?? NULL,
      ($given['members'] ?? '1') === '1',
      $given['machine_name_field'] ?? NULL,
      (int) $limit,
    );
    if (isset($given['page'])) {
      $asked->walk = $asked->open($given['page']);
    }
    return $asked;
  }

  /**
   * The token of the page after a row.
   */
  public function token(array $walk): string {
    return rtrim(strtr(base64_encode(json_encode($walk + ['of' => $this->mark()])), '+/', '-_'), '=');
  }

  /**
   * Opens a token that this module made for the same arguments.
   */
  protected function open(string $token): array {
    $walk = json_decode((string) base64_decode(strtr($token, '-_', '+/'), TRUE), TRUE);
    $whole = is_array($walk) && isset($walk['cursor'], $walk['count']['guilds'], $walk['count']['members'], $walk['last'], $walk['of'])
      && is_string($walk['cursor']) && is_array($walk['last']) && in_array(count($walk['last']), [1, 2], TRUE);
    if (!$whole || $walk['of'] !== $this->mark()) {
      throw self::bad('page is not the next of a page that was asked for with these arguments');
    }
    return [
      'cursor' => $walk['cursor'],
      'upto' => (int) ($walk['upto'] ?? 0),
      'count' => array_map('intval', $walk['count']),
      'last' => array_map('intval', array_values($walk['last'])),
    ];
  }

  /**
   * What the arguments are recognised by; the limit may change from page to page.
   */
  protected function mark(): string {
    return substr(hash('sha256', serialize([
      $this->types, $this->guilds, $this->person, $this->since, $this->members, $this->machineNameField,
    ])), 0, 12);
  }

  /**
   * A list with commas; NULL where none is given.
   */
  protected static function list(?string $text): ?array {
    if ($text === NULL) {
      return NULL;
    }
    $items = array_values(array_unique(array_filter(array_map('trim', explode(',', $text)), fn($item) => $item !== '')));
    if (!$items || count($items) > self::LIST_MAX) {
      throw self::bad('a list has 1 to ' . self::LIST_MAX . ' items');
    }
    return $items;
  }

  /**
   * Whether it is a number from 1 up that a column can hold.
   */
  protected static function number(string $text): bool {
    return preg_match('/^[1-9]\d{0,9}$/', $text) === 1;
  }

  /**
   * The error of an argument.
   */
  public static function bad(string $message): ApiException {
    return new ApiException(400, 'bad_argument', ucfirst($message) . '.');
  }

}
