<?php

namespace Drupal\avc_moodle_sync;

use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Entity\EntityFieldManagerInterface;
use Drupal\Core\Entity\EntityInterface;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\Entity\Sql\SqlContentEntityStorage;

/**
 * Where this site's Group module keeps groups and memberships.
 *
 * Group 1 and 2 call a membership "group_content", Group 3 "group_relationship"; tables and columns are asked of the
 * entity types, never assumed: Group 2 has Group 3's tables under Group 1's name.
 */
class GroupModel {

  /**
   * What Group calls the plugin of memberships, in every version.
   */
  const PLUGIN = 'group_membership';

  /**
   * The classes of a membership, by the name of its entity type.
   */
  const MEMBERSHIPS = [
    'group_relationship' => 'Drupal\group\Entity\GroupRelationshipInterface',
    'group_content' => 'Drupal\group\Entity\GroupContentInterface',
  ];

  /**
   * The tables and columns, once found.
   */
  protected ?array $tables = NULL;

  public function __construct(
    protected EntityTypeManagerInterface $entityTypeManager,
    protected EntityFieldManagerInterface $fieldManager,
    protected ConfigFactoryInterface $config,
  ) {}

  /**
   * The entity type of memberships.
   */
  public function membershipType(): string {
    foreach (self::MEMBERSHIPS as $id => $interface) {
      $type = $this->entityTypeManager->getDefinition($id, FALSE);
      // Group 2 has the entity type of the first name with the interface of the second.
      if ($type && array_filter(self::MEMBERSHIPS, fn($interface) => is_subclass_of($type->getClass(), $interface))) {
        return $id;
      }
    }
    throw new ApiException(503, 'no_group_module', 'The Group module has no entity type of memberships that this module knows.');
  }

  /**
   * Group's major version, as far as names tell it.
   */
  public function version(): int {
    $type = $this->membershipType();
    if ($type === 'group_relationship') {
      return 3;
    }
    return array_key_exists('plugin_id', $this->fieldManager->getFieldStorageDefinitions($type)) ? 2 : 1;
  }

  /**
   * The group types whose groups are guilds.
   *
   * @return string[]
   *   Their machine names.
   */
  public function groupTypes(): array {
    $all = array_map('strval', array_keys($this->entityTypeManager->getStorage('group_type')->loadMultiple()));
    $chosen = $this->config->get('avc_moodle_sync.settings')->get('group_types') ?: [];
    return $chosen ? array_values(array_intersect($chosen, $all)) : $all;
  }

  /**
   * Changes when the settings say otherwise what a guild is, and what its machine name.
   */
  public function mark(): string {
    $config = $this->config->get('avc_moodle_sync.settings');
    return json_encode([$config->get('group_types'), $config->get('machine_name_field')]);
  }

  /**
   * The bundles of memberships.
   *
   * @param string[] $types
   *   Group types.
   *
   * @return string[]
   *   Bundle ids, by group type. Long names are hashed by Group, so they are never composed here.
   */
  public function bundles(array $types): array {
    $bundle_type = $this->entityTypeManager->getDefinition($this->membershipType())->getBundleEntityType();
    $bundles = [];
    foreach ($this->entityTypeManager->getStorage($bundle_type)->loadMultiple() as $id => $bundle) {
      $plugin = method_exists($bundle, 'getPluginId') ? $bundle->getPluginId() : $bundle->getContentPluginId();
      if ($plugin === self::PLUGIN && in_array($bundle->getGroupTypeId(), $types, TRUE)) {
        $bundles[$bundle->getGroupTypeId()] = (string) $id;
      }
    }
    return $bundles;
  }

  /**
   * Tables and columns.
   *
   * @return array
   *   membership, guid, user, roles, roles_id, role; groups, groups_uuid, published, label; published may be NULL.
   */
  public function tables(): array {
    return $this->tables ??= $this->findTables();
  }

  /**
   * Asks the entity types for tables and columns.
   */
  protected function findTables(): array {
    $id = $this->membershipType();
    $membership = $this->entityTypeManager->getDefinition($id);
    $fields = $this->fieldManager->getFieldStorageDefinitions($id);
    $storage = $this->entityTypeManager->getStorage($id);
    $groups = $this->entityTypeManager->getDefinition('group');
    if (!$storage instanceof SqlContentEntityStorage || !isset($fields['gid'], $fields['entity_id'], $fields['group_roles'])) {
      throw new ApiException(503, 'no_group_module', 'Memberships are not kept in tables that this module knows.');
    }
    $mapping = $storage->getTableMapping();
    return [
      'membership' => $membership->getDataTable() ?: $membership->getBaseTable(),
      'group' => $mapping->getFieldColumnName($fields['gid'], 'target_id'),
      'user' => $mapping->getFieldColumnName($fields['entity_id'], 'target_id'),
      'roles' => $mapping->getFieldTableName('group_roles'),
      'role' => $mapping->getFieldColumnName($fields['group_roles'], 'target_id'),
      'groups' => $groups->getDataTable(),
      'groups_base' => $groups->getBaseTable(),
      'published' => $groups->getKey('published') ?: NULL,
      'label' => $groups->getKey('label'),
    ];
  }

  /**
   * Where a group's machine name is kept.
   *
   * @param string|null $field
   *   A field of groups; NULL for the one that the settings name.
   *
   * @return array|null
   *   table and column; NULL where there is no such field.
   */
  public function machineName(?string $field): ?array {
    $field ??= $this->machineNameField();
    $fields = $this->fieldManager->getFieldStorageDefinitions('group');
    if ($field === '' || !isset($fields[$field]) || $fields[$field]->getMainPropertyName() !== 'value') {
      return NULL;
    }
    $mapping = $this->entityTypeManager->getStorage('group')->getTableMapping();
    if (!$mapping->requiresDedicatedTableStorage($fields[$field])) {
      return NULL;
    }
    return [
      'table' => $mapping->getFieldTableName($field),
      'column' => $mapping->getFieldColumnName($fields[$field], 'value'),
    ];
  }

  /**
   * The field of machine names that the settings name; empty where they name none.
   */
  public function machineNameField(): string {
    return (string) $this->config->get('avc_moodle_sync.settings')->get('machine_name_field');
  }

  /**
   * Whether an entity is a membership.
   */
  public function isMembership(EntityInterface $entity): bool {
    if (!isset(self::MEMBERSHIPS[$entity->getEntityTypeId()])) {
      return FALSE;
    }
    $plugin = method_exists($entity, 'getPluginId') ? $entity->getPluginId() : $entity->getContentPlugin()->getPluginId();
    return $plugin === self::PLUGIN;
  }

}
