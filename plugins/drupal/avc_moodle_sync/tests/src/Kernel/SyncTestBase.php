<?php

namespace Drupal\Tests\avc_moodle_sync\Kernel;

use Drupal\KernelTests\KernelTestBase;
use Drupal\avc_moodle_sync\GroupModel;
use Drupal\group\Entity\Group;
use Drupal\group\Entity\GroupInterface;
use Drupal\group\Entity\GroupRole;
use Drupal\group\Entity\GroupType;
use Drupal\user\Entity\User;
use Drupal\user\UserInterface;

/**
 * Two group types, one with a name so long that Group hashes the bundle of its memberships; on any Group version.
 */
abstract class SyncTestBase extends KernelTestBase {

  /**
   * {@inheritdoc}
   */
  protected static $modules = ['system', 'user', 'field', 'options', 'basic_auth'];

  /**
   * The model of groups.
   */
  protected GroupModel $model;

  /**
   * {@inheritdoc}
   */
  protected function setUp(): void {
    parent::setUp();
    $there = $this->container->get('extension.list.module')->getList();
    // What Group needs depends on its version.
    $this->enableModules(array_values(array_filter(['entity', 'variationcache', 'flexible_permissions', 'group'], fn($name) => isset($there[$name]))));
    $this->installEntitySchema('user');
    $this->installSchema('user', ['users_data']);
    foreach (['group', 'group_relationship', 'group_content', 'group_config_wrapper'] as $type) {
      if ($this->container->get('entity_type.manager')->hasDefinition($type)) {
        $this->installEntitySchema($type);
      }
    }
    $this->installConfig(['field', 'system', 'user', 'group']);
    // The first account may do everything; nobody here is it.
    User::create(['name' => 'first', 'status' => 1])->save();
    $this->container->get('module_installer')->install(['avc_moodle_sync']);
    $this->container = \Drupal::getContainer();
    foreach (['guild', 'community_of_practice'] as $id) {
      GroupType::create(['id' => $id, 'label' => $id, 'creator_membership' => FALSE])->save();
      foreach (['mentor', 'admin'] as $role) {
        $values = ['id' => "$id-$role", 'label' => $role, 'group_type' => $id, 'weight' => 0, 'permissions' => ['view moodle sync']];
        GroupRole::create($values + (property_exists(GroupRole::class, 'scope') ? ['scope' => 'individual'] : []))->save();
      }
    }
    $this->model = $this->container->get('avc_moodle_sync.model');
  }

  /**
   * Makes an account.
   */
  protected function person(string $name, array $values = []): UserInterface {
    $account = User::create($values + ['name' => $name, 'mail' => "$name@example.org", 'status' => 1]);
    $account->save();
    return $account;
  }

  /**
   * Makes a guild.
   */
  protected function guild(string $label, string $type = 'guild', array $values = []): GroupInterface {
    $guild = Group::create($values + ['type' => $type, 'label' => $label, 'uid' => 1]);
    $guild->save();
    return $guild;
  }

  /**
   * Makes somebody a member.
   */
  protected function join(GroupInterface $guild, UserInterface $account, string ...$roles): void {
    $guild->addMember($account, ['group_roles' => array_map(fn($role) => $guild->bundle() . "-$role", $roles)]);
  }

  /**
   * A membership as an entity.
   */
  protected function membership(GroupInterface $guild, UserInterface $account) {
    $found = \Drupal::entityTypeManager()->getStorage($this->model->membershipType())->loadByProperties([
      'gid' => $guild->id(),
      'entity_id' => $account->id(),
    ]);
    return reset($found);
  }

  /**
   * How many rows a table has.
   */
  protected function rows(string $table): int {
    return (int) \Drupal::database()->select($table)->countQuery()->execute()->fetchField();
  }

}
