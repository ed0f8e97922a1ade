<?php

namespace Drupal\avc_moodle_sync;

use Drupal\Core\Database\Connection;
use Drupal\Core\Entity\ContentEntityInterface;
use Drupal\Core\Entity\EntityInterface;
use Drupal\group\Entity\GroupInterface;
use Drupal\user\UserInterface;

/**
 * Sees what happens to guilds, memberships and accounts; writes it into the change log and queues events.
 */
class Observer {

  public function __construct(
    protected GroupModel $model,
    protected ChangeLog $changes,
    protected EventQueue $events,
    protected GuildReports $reports,
    protected Connection $database,
  ) {}

  /**
   * Something was made.
   */
  public function inserted(EntityInterface $entity): void {
    if ($entity instanceof GroupInterface && $this->isGuild($entity)) {
      $this->changes->guildChanged((int) $entity->id());
      $this->events->guild('guild_made', (int) $entity->id(), $this->guildFacts($entity));
    }
    elseif ($this->model->isMembership($entity)) {
      $this->memberChanged('joined', $entity);
    }
  }

  /**
   * Something was changed.
   */
  public function updated(EntityInterface $entity): void {
    if (!$entity instanceof ContentEntityInterface) {
      return;
    }
    $before = method_exists($entity, 'getOriginal') ? $entity->getOriginal() : ($entity->original ?? NULL);
    if (!$before) {
      return;
    }
    if ($entity instanceof GroupInterface && $this->isGuild($entity)) {
      $this->guildUpdated($entity, $before);
    }
    elseif ($entity instanceof UserInterface) {
      $this->personUpdated($entity, $before);
    }
    elseif ($this->model->isMembership($entity) && $this->roles($entity) !== $this->roles($before)) {
      $this->memberChanged('roles_changed', $entity);
    }
  }

  /**
   * Something was deleted.
   */
  public function deleted(EntityInterface $entity): void {
    if ($entity instanceof GroupInterface && $this->isGuild($entity)) {
      $this->changes->guildGone((int) $entity->id(), $entity->uuid(), $entity->bundle());
      $this->events->guild('guild_deleted', (int) $entity->id(), $this->guildFacts($entity));
      $this->reports->forget((int) $entity->id());
    }
    elseif ($this->model->isMembership($entity)) {
      $this->memberChanged('left', $entity);
    }
  }

  /**
   * A membership was made, changed or ended.
   */
  protected function memberChanged(string $event, ContentEntityInterface $membership): void {
    $gid = (int) $membership->get('gid')->target_id;
    $uid = (int) $membership->get('entity_id')->target_id;
    if ($uid === 0 || !in_array($membership->bundle(), $this->model->bundles($this->model->groupTypes()), TRUE)) {
      return;
    }
    $this->changes->guildChanged($gid);
    $this->events->member($event, $uid, $gid, ['roles' => $this->roles($membership)]);
  }

  /**
   * A guild was changed; only what the sync looks at counts.
   */
  protected function guildUpdated(GroupInterface $guild, EntityInterface $before): void {
    // A draft changes nothing of what is read.
    if (!$guild->isDefaultRevision()) {
      return;
    }
    $guild = $guild->getUntranslated();
    $before = $before->getUntranslated();
    $field = $this->model->machineNameField();
    $machine_name = fn($group) => $field !== '' && $group->hasField($field) ? $group->get($field)->getString() : '';
    $events = array_filter([
      'guild_renamed' => $guild->label() !== $before->label() || $machine_name($guild) !== $machine_name($before),
      'guild_published' => $this->published($guild) && !$this->published($before),
      'guild_unpublished' => !$this->published($guild) && $this->published($before),
    ]);
    // The reader may look at another field than the settings name, so every save counts as a change.
    $this->changes->guildChanged((int) $guild->id());
    foreach (array_keys($events) as $event) {
      $this->events->guild($event, (int) $guild->id(), $this->guildFacts($guild));
    }
  }

  /**
   * An account was changed; only what the sync looks at counts, and only of people who are in a guild.
   */
  protected function personUpdated(UserInterface $account, EntityInterface $before): void {
    $event = match (TRUE) {
      $account->isActive() && !$before->isActive() => 'account_unblocked',
      !$account->isActive() && $before->isActive() => 'account_blocked',
      $account->getAccountName() !== $before->getAccountName(), $account->getEmail() !== $before->getEmail() => 'account_changed',
      default => NULL,
    };
    if ($event && $this->isMember((int) $account->id())) {
      $this->changes->personChanged((int) $account->id());
      $this->events->member($event, (int) $account->id());
    }
  }

  /**
   * Whether a group is of a type whose groups are guilds.
   */
  protected function isGuild(GroupInterface $group): bool {
    return in_array($group->bundle(), $this->model->groupTypes(), TRUE);
  }

  /**
   * Whether a person is in any guild.
   */
  protected function isMember(int $uid): bool {
    $t = $this->model->tables();
    $bundles = array_values($this->model->bundles($this->model->groupTypes()));
    return $bundles && $this->database->queryRange("SELECT 1 FROM {{$t['membership']}} WHERE {$t['user']} = :uid AND type IN (:bundles[])", 0, 1, [
      ':uid' => $uid,
      ':bundles[]' => $bundles,
    ])->fetchField();
  }

  /**
   * Whether a guild is published; always, where this version of Group does not know the difference.
   */
  protected function published(EntityInterface $guild): bool {
    return !method_exists($guild, 'isPublished') || $guild->isPublished();
  }

  /**
   * What an event says of a guild.
   */
  protected function guildFacts(GroupInterface $guild): array {
    return ['uuid' => $guild->uuid(), 'type' => $guild->bundle(), 'label' => $guild->label()];
  }

  /**
   * The roles of a membership, in order.
   */
  protected function roles(ContentEntityInterface $membership): array {
    $roles = array_column($membership->get('group_roles')->getValue(), 'target_id');
    sort($roles);
    return $roles;
  }

}
