<?php

namespace Drupal\avc_moodle_sync\Access;

use Drupal\Core\Access\AccessResult;
use Drupal\Core\Access\AccessResultInterface;
use Drupal\Core\Session\AccountInterface;
use Drupal\group\Entity\GroupInterface;

/**
 * Who may see what became of a guild in Moodle, and who may ask for a sync.
 *
 * By a permission of the site, for all guilds, or by one of the guild's own roles, for this guild. From Group 2 on not
 * even an administrator sees groups by the site's permissions, so whether the guild itself is visible does not count.
 */
class GuildAccess {

  /**
   * The access to the guild's page.
   */
  public static function view(GroupInterface $group, AccountInterface $account): AccessResultInterface {
    return self::check($group, $account, 'view moodle sync');
  }

  /**
   * Whether a permission is had, of the site's or of the guild's.
   */
  public static function check(GroupInterface $group, AccountInterface $account, string $permission): AccessResultInterface {
    $guild = in_array($group->bundle(), \Drupal::service('avc_moodle_sync.model')->groupTypes(), TRUE);
    $has = $account->hasPermission($permission) || $group->hasPermission($permission, $account);
    return AccessResult::allowedIf($guild && $has)
      ->addCacheContexts(['user.permissions', 'user.group_permissions'])
      ->addCacheTags(['config:avc_moodle_sync.settings'])
      ->addCacheableDependency($group);
  }

}
