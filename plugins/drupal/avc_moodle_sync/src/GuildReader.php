<?php

namespace Drupal\avc_moodle_sync;

use Drupal\Core\Database\Connection;
use Drupal\Core\Database\Query\SelectInterface;

/**
 * Reads guilds and members by page, straight from the tables: a handful of queries a page, however many rows it has.
 *
 * A walk gives all guilds first, by number, and then all memberships, by guild and number. Pages follow the last row
 * of the one before, so nothing is skipped or given twice when rows come and go.
 */
class GuildReader {

  public function __construct(
    protected Connection $database,
    protected GroupModel $model,
    protected ChangeLog $changes,
  ) {}

  /**
   * One page.
   *
   * @return array
   *   What is answered as JSON, without what every answer has.
   */
  public function page(PageRequest $asked): array {
    $types = $this->types($asked);
    $place = $asked->since === NULL ? NULL : $this->changes->place($asked->since);
    // The cursor is taken before anything is read: what changes meanwhile is after it.
    $cursor = $asked->walk['cursor'] ?? $this->changes->now();
    $upto = $asked->walk['upto'] ?? $this->changes->last();
    $people = $asked->person ? $this->people(fn($query) => $this->wherePerson($query, $asked->person)) : [];
    $uids = $asked->person ? array_keys($people) : NULL;

    $listed = $asked->guilds ? $this->guildNumbers($asked->guilds) : NULL;
    $guilds = match (TRUE) {
      $place !== NULL => $this->changes->guilds($place, $upto),
      $uids !== NULL => array_values(array_unique(array_merge($this->guildsOf($uids, $types), $listed ?? []))),
      default => $listed,
    };
    $first = $asked->walk === NULL;
    $count = $asked->walk['count'] ?? $this->count($types, $guilds, $uids, $asked->members);
    $last = $asked->walk['last'] ?? [0];

    $page = ['guilds' => [], 'members' => [], 'people' => []];
    $space = $asked->limit;
    $more = FALSE;
    if (count($last) === 1) {
      $page['guilds'] = $this->guilds($types, $guilds, $last[0], $space + 1, $asked->machineNameField);
      $more = count($page['guilds']) > $space;
      $page['guilds'] = array_slice($page['guilds'], 0, $space);
      $space -= count($page['guilds']);
      $last = $more ? [end($page['guilds'])['id']] : [0, 0];
    }
    if (!$more && $asked->members) {
      $rows = $this->members($types, $guilds, $uids, $last, $space + 1);
      $more = count($rows) > $space;
      $page['members'] = array_slice($rows, 0, $space);
      if ($page['members']) {
        $end = end($page['members']);
        $last = [$end['guild'], $end['id']];
      }
    }
    $wanted = array_diff(array_unique(array_column($page['members'], 'user')), array_keys($people));
    foreach (array_chunk($wanted, 1000) as $some) {
      $people += $this->people(fn($query) => $query->condition('u.uid', $some, 'IN'));
    }
    if (!$first && $asked->person) {
      $people = array_intersect_key($people, array_flip(array_column($page['members'], 'user')));
    }
    $page['people'] = array_values($people);
    if ($first && $place !== NULL) {
      $page['gone'] = $this->changes->gone($place, $upto, $types);
    }
    if ($first && $asked->guilds) {
      $page['absent'] = $this->absent($asked->guilds, $types);
    }
    return [
      'types' => $types,
      'count' => $count,
      'cursor' => $cursor,
    ] + $page + [
      'next' => $more ? $asked->token(['cursor' => $cursor, 'upto' => $upto, 'count' => $count, 'last' => $last]) : NULL,
    ];
  }

  /**
   * How many guilds and members there are.
   */
  public function count(array $types, ?array $guilds = NULL, ?array $uids = NULL, bool $members = TRUE): array {
    return [
      'guilds' => (int) $this->guildQuery($types, $guilds)->countQuery()->execute()->fetchField(),
      'members' => $members ? (int) $this->memberQuery($types, $guilds, $uids)->countQuery()->execute()->fetchField() : 0,
    ];
  }

  /**
   * Guilds after a number.
   */
  public function guilds(array $types, ?array $guilds, int $after, int $limit, ?string $machine_name_field = NULL): array {
    $t = $this->model->tables();
    $query = $this->guildQuery($types, $guilds)
      ->fields('g', ['id', 'type', $t['label'], 'created', 'changed'])
      ->condition('g.id', $after, '>')
      ->orderBy('g.id')
      ->range(0, $limit);
    $query->join($t['groups_base'], 'b', 'b.id = g.id');
    $query->addField('b', 'uuid');
    if ($t['published']) {
      $query->addField('g', $t['published'], 'published');
    }
    $machine_name = $this->model->machineName($machine_name_field);
    if ($machine_name) {
      $query->leftJoin($machine_name['table'], 'f', 'f.entity_id = g.id AND f.deleted = 0 AND f.delta = 0 AND f.langcode = g.langcode');
      $query->addField('f', $machine_name['column'], 'machine_name');
    }
    $rows = $query->execute()->fetchAllAssoc('id');
    $members = [];
    foreach (array_chunk(array_keys($rows), 1000) as $some) {
      $counts = $this->memberQuery($types, $some, NULL);
      $counts->addField('m', $t['group'], 'gid');
      $counts->addExpression('COUNT(*)', 'members');
      $counts->groupBy('m.' . $t['group']);
      $members += $counts->execute()->fetchAllKeyed();
    }
    $found = [];
    foreach ($rows as $id => $row) {
      $found[] = [
        'id' => (int) $id,
        'uuid' => $row->uuid,
        'type' => $row->type,
        'label' => $row->{$t['label']},
        'machine_name' => ($row->machine_name ?? '') === '' ? NULL : $row->machine_name,
        'published' => (bool) ($row->published ?? TRUE),
        'created' => (int) $row->created,
        'changed' => (int) $row->changed,
        'members' => (int) ($members[$id] ?? 0),
      ];
    }
    return $found;
  }

  /**
   * Memberships after one, with their roles.
   */
  protected function members(array $types, ?array $guilds, ?array $uids, array $last, int $limit): array {
    $t = $this->model->tables();
    $query = $this->memberQuery($types, $guilds, $uids)
      ->orderBy('m.' . $t['group'])
      ->orderBy('m.id')
      ->range(0, $limit);
    $query->addField('m', 'id');
    $query->addField('m', $t['group'], 'guild');
    $query->addField('m', $t['user'], 'member');
    $query->condition('m.' . $t['group'], $last[0], '>=');
    $query->condition($query->orConditionGroup()
      ->condition('m.' . $t['group'], $last[0], '>')
      ->condition('m.id', $last[1], '>'));
    $rows = $query->execute()->fetchAll();
    $roles = [];
    foreach (array_chunk(array_map(fn($row) => (int) $row->id, $rows), 1000) as $some) {
      $found = $this->database->query("SELECT entity_id, {$t['role']} AS role FROM {{$t['roles']}} WHERE entity_id IN (:some[]) AND deleted = 0 ORDER BY entity_id, delta", [':some[]' => $some]);
      foreach ($found as $row) {
        $roles[$row->entity_id][$row->role] = $row->role;
      }
    }
    return array_map(fn($row) => [
      'id' => (int) $row->id,
      'guild' => (int) $row->guild,
      'user' => (int) $row->member,
      'roles' => array_values($roles[$row->id] ?? []),
    ], $rows);
  }

  /**
   * People, by their numbers.
   */
  protected function people(callable $where): array {
    $query = $this->database->select('users_field_data', 'u')
      ->fields('u', ['uid', 'name', 'mail', 'status'])
      ->condition('u.default_langcode', 1)
      ->condition('u.uid', 0, '>')
      ->orderBy('u.uid');
    $query->join('users', 'b', 'b.uid = u.uid');
    $query->addField('b', 'uuid');
    $where($query);
    $people = [];
    foreach ($query->execute() as $row) {
      $people[(int) $row->uid] = [
        'id' => (int) $row->uid,
        'uuid' => $row->uuid,
        'name' => $row->name,
        'mail' => ($row->mail ?? '') === '' ? NULL : $row->mail,
        'active' => (bool) $row->status,
      ];
    }
    return $people;
  }

  /**
   * Only the person who is asked for. Several may share a mail address.
   */
  protected function wherePerson(SelectInterface $query, array $person): void {
    [$by, $value] = $person;
    $query->condition('u.' . ['user' => 'uid', 'name' => 'name', 'mail' => 'mail'][$by], $value)->range(0, 100);
  }

  /**
   * Guilds of some types; of these numbers only, where they are given.
   */
  protected function guildQuery(array $types, ?array $guilds): SelectInterface {
    $query = $this->database->select($this->model->tables()['groups'], 'g')->condition('g.default_langcode', 1);
    $this->within($query, 'g.type', $types);
    $guilds === NULL || $this->within($query, 'g.id', $guilds);
    return $query;
  }

  /**
   * Memberships in guilds of some types; of these guilds and people only, where they are given.
   */
  protected function memberQuery(array $types, ?array $guilds, ?array $uids): SelectInterface {
    $t = $this->model->tables();
    $query = $this->database->select($t['membership'], 'm')
      ->condition('m.default_langcode', 1)
      ->condition('m.' . $t['user'], 0, '>');
    $this->within($query, 'm.type', array_values($this->model->bundles($types)));
    $guilds === NULL || $this->within($query, 'm.' . $t['group'], $guilds);
    $uids === NULL || $this->within($query, 'm.' . $t['user'], $uids);
    return $query;
  }

  /**
   * One of these values; of none, nothing.
   */
  protected function within(SelectInterface $query, string $column, array $values): void {
    $values ? $query->condition($column, $values, 'IN') : $query->alwaysFalse();
  }

  /**
   * The guilds that some people belong to.
   */
  protected function guildsOf(array $uids, array $types): array {
    $query = $this->memberQuery($types, NULL, $uids)->distinct();
    $query->addField('m', $this->model->tables()['group'], 'gid');
    return array_map('intval', $query->execute()->fetchCol());
  }

  /**
   * The numbers of guilds that are named by number or UUID, where they are there.
   */
  protected function guildNumbers(array $names): array {
    [$numbers, $uuids] = $this->split($names);
    if ($uuids) {
      $numbers = array_merge($numbers, $this->database->query('SELECT id FROM {' . $this->model->tables()['groups_base'] . '} WHERE uuid IN (:uuids[])', [':uuids[]' => $uuids])->fetchCol());
    }
    return array_values(array_unique(array_map('intval', $numbers)));
  }

  /**
   * Of the guilds that were asked for, those that are not there, or are of another type.
   */
  protected function absent(array $names, array $types): array {
    $query = $this->guildQuery($types, $this->guildNumbers($names))->fields('g', ['id']);
    $query->join($this->model->tables()['groups_base'], 'b', 'b.id = g.id');
    $query->addField('b', 'uuid');
    $there = $query->execute()->fetchAllKeyed();
    return array_values(array_filter($names, fn($name) => !isset($there[$name]) && !in_array(strtolower($name), $there, TRUE)));
  }

  /**
   * Numbers and UUIDs apart.
   */
  protected function split(array $names): array {
    $numbers = array_filter($names, 'ctype_digit');
    return [array_values($numbers), array_map('strtolower', array_values(array_diff($names, $numbers)))];
  }

  /**
   * The group types that are meant; each must be one whose groups are guilds.
   */
  protected function types(PageRequest $asked): array {
    $types = $this->model->groupTypes();
    if ($unknown = array_diff($asked->types ?? [], $types)) {
      throw PageRequest::bad('the group type ' . reset($unknown) . ' is not there, or its groups are not guilds');
    }
    if ($asked->machineNameField !== NULL && !$this->model->machineName($asked->machineNameField)) {
      throw PageRequest::bad("groups have no text field {$asked->machineNameField}");
    }
    return $asked->types ?? $types;
  }

}
