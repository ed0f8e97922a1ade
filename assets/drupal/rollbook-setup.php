<?php
// Rollbook - the community's side: a service account that sees guilds and their members, and can change nothing of them.
// Copyright (C) 2026 The Rollbook authors. GPL-3.0-or-later.
//
// Run on the community's server, in Drupal's folder:
//
//   drush php:script rollbook-setup.php -- --group-type=guild > password
//
// It makes, or brings up to date, a role, two group roles that go with it, and an account, all named after --account. It
// may be run again at any time: what is right already stays, and the password too. The password alone goes to standard
// output, and only when it is new; everything else goes to standard error. For Group 2 and 3; with Group 1 the group
// type's own pages have these permissions.

use Drupal\group\Entity\GroupRole;
use Drupal\group\Entity\GroupType;
use Drupal\user\Entity\Role;
use Drupal\user\Entity\User;

const MODULES = ['group', 'jsonapi', 'basic_auth'];
// "administer users" shows who is blocked, and is left out by --without-blocked.
const SEES_PEOPLE = ['access user profiles', 'view user email addresses', 'administer users'];
const SEES_GUILDS = ['view group', 'view any unpublished group', 'view group_membership relationship'];

const HELP = <<<'TEXT'
drush php:script rollbook-setup.php -- [options]

  --group-type=NAME    the machine name of the type whose groups are guilds [guild]
  --account=NAME       the account; its role is called so too [rollbook]
  --without-blocked    leave out "administer users": blocked members are then shown without a name, and count as blocked
  --new-password       a new password; the old one ends
  --check              change nothing; say what would be changed

TEXT;

$given = [];
foreach ($extra ?? [] as $word) {
    preg_match('/^--([a-z-]+)(?:=(.*))?$/', $word, $parts) || stop("what is $word?\n" . HELP);
    $given[$parts[1]] = $parts[2] ?? true;
}
isset($given['help']) && stop(HELP);
$unknown = array_diff(array_keys($given), ['group-type', 'account', 'without-blocked', 'new-password', 'check']);
$unknown && stop('what is --' . reset($unknown) . "?\n" . HELP);
$name = $given['account'] ?? 'rollbook';
$type = $given['group-type'] ?? 'guild';
preg_match('/^[a-z][a-z0-9_]{1,20}$/', $name) || stop('the account may have 2 to 21 of a-z, 0-9 and _, and begins with a letter');
foreach (MODULES as $module) {
    \Drupal::moduleHandler()->moduleExists($module) || stop("the module $module is not on: drush pm:install $module");
}
GroupType::load($type) || stop("there is no group type $type");
property_exists(GroupRole::class, 'scope') || stop('this is Group 1: give the permissions on the group type\'s own page');

Told::$checking = isset($given['check']);
$people = isset($given['without-blocked']) ? array_diff(SEES_PEOPLE, ['administer users']) : SEES_PEOPLE;

$role = Role::load($name);
if (!$role && change("the role $name is made")) {
    $role = Role::create(['id' => $name, 'label' => 'Rollbook']);
    $role->save();
}
$has = $role ? $role->getPermissions() : [];
foreach (array_diff($people, $has) as $permission) {
    if (change("the role $name is given \"$permission\"")) {
        $role->grantPermission($permission)->save();
    }
}
foreach (array_diff($has, $people) as $permission) {
    if (change("the role $name loses \"$permission\"")) {
        $role->revokePermission($permission)->save();
    }
}

foreach (['outsider', 'insider'] as $scope) {
    $id = "$type-{$name}_$scope";
    $there = GroupRole::load($id);
    if (!$there && change("the group role $id is made, for the role $name in the scope $scope")) {
        $there = GroupRole::create([
            'id' => $id, 'label' => "Rollbook ($scope)", 'weight' => 100, 'admin' => false, 'scope' => $scope,
            'global_role' => $name, 'group_type' => $type, 'permissions' => [],
        ]);
        $there->save();
    }
    foreach (array_diff(SEES_GUILDS, $there ? $there->getPermissions() : []) as $permission) {
        if (change("the group role $id is given \"$permission\"")) {
            $there->grantPermission($permission)->save();
        }
    }
}

$found = \Drupal::entityTypeManager()->getStorage('user')->loadByProperties(['name' => $name]);
$account = $found ? reset($found) : null;
$password = null;
if (!$account && change("the account $name is made")) {
    $account = User::create(['name' => $name, 'status' => 1]);
    $password = fresh();
}
if ($account && !$account->hasRole($name) && change("the account $name is given the role $name")) {
    $account->addRole($name);
}
if ($account && !$account->isActive() && change("the account $name is unblocked")) {
    $account->activate();
}
if ($account && isset($given['new-password']) && change("the account $name gets a new password")) {
    $password = fresh();
}
if ($account && !Told::$checking) {
    $password === null || $account->setPassword($password);
    $account->save();
}

$count = Told::$changes;
if (Told::$checking) {
    say($count === 0 ? 'nothing would be changed' : "$count changes would be made");
} else {
    say($count === 0 ? 'everything was as it should be' : "$count changes were made");
}
if ($password !== null) {
    say('The password, which belongs into a file that only Rollbook can read:');
    echo "$password\n";
}

/** What was said so far. Drush includes this file from a function, so that there are no globals. */
final class Told {
    public static bool $checking = false;
    public static int $changes = 0;
}

/** Says what is changed; whether it shall be. */
function change(string $what): bool {
    Told::$changes++;
    say($what);
    return !Told::$checking;
}

function fresh(): string {
    return rtrim(strtr(base64_encode(random_bytes(24)), '+/', '-_'), '=');
}

function say(string $text): void {
    fwrite(STDERR, "$text\n");
}

/** Drush tells it as an error and ends with 1. */
function stop(string $why): never {
    throw new RuntimeException($why);
}
