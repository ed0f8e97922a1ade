<?php

namespace Drupal\Tests\avc_moodle_sync\Kernel;

use Drupal\Core\Database\Database;
use Drupal\avc_moodle_sync\ApiException;
use Drupal\avc_moodle_sync\PageRequest;
use Drupal\field\Entity\FieldConfig;
use Drupal\field\Entity\FieldStorageConfig;
use Symfony\Component\HttpFoundation\Request;

/**
 * What is read, by page and since a cursor.
 *
 * @group avc_moodle_sync
 */
class ReaderTest extends SyncTestBase {

  /**
   * One page.
   */
  protected function page(array $arguments): array {
    return $this->container->get('avc_moodle_sync.reader')->page(PageRequest::of(Request::create('/?' . http_build_query($arguments))));
  }

  /**
   * All pages, put together.
   */
  protected function walk(array $arguments, ?int &$pages = NULL): array {
    $whole = NULL;
    $pages = 0;
    do {
      $page = $this->page($arguments);
      $pages++;
      if ($whole) {
        $this->assertSame([$whole['count'], $whole['cursor']], [$page['count'], $page['cursor']]);
        foreach (['guilds', 'members', 'people'] as $list) {
          $page[$list] = array_merge($whole[$list], $page[$list]);
        }
        $page += $whole;
      }
      $whole = $page;
      $arguments['page'] = $page['next'];
    } while ($page['next']);
    return $whole;
  }

  /**
   * The labels of an answer's guilds.
   */
  protected function labels(array $answer): array {
    return array_column($answer['guilds'], 'label');
  }

  /**
   * Asserts the code of a refusal.
   */
  protected function assertRefused(string $code, array $arguments): void {
    try {
      $this->page($arguments);
      $this->fail("$code was expected");
    }
    catch (ApiException $refusal) {
      $this->assertSame($code, $refusal->errorCode);
    }
  }

  /**
   * Every guild and member is given once, whatever the size of pages.
   */
  public function testWalkGivesEverythingOnce(): void {
    $people = array_map(fn($n) => $this->person("p$n"), range(0, 11));
    $weavers = $this->guild('Weavers');
    $empty = $this->guild('Empty');
    $admins = $this->guild('Admins', 'community_of_practice');
    foreach ($people as $n => $account) {
      $n % 2 ? $this->join($weavers, $account) : $this->join($admins, $account, 'mentor', 'admin');
    }
    $this->join($weavers, $people[0], 'mentor');
    $whole = $this->page([]);
    $this->assertNull($whole['next']);
    $this->assertSame(['guilds' => 3, 'members' => 13], $whole['count']);
    $this->assertSame(['Weavers', 'Empty', 'Admins'], $this->labels($whole));
    $this->assertSame([7, 0, 6], array_column($whole['guilds'], 'members'));
    $this->assertCount(12, $whole['people']);
    $roles = array_unique(array_map(fn($member) => implode(' ', $member['roles']), $whole['members']));
    sort($roles);
    $this->assertSame(['', 'community_of_practice-mentor community_of_practice-admin', 'guild-mentor'], $roles);
    foreach ([1, 2, 3, 4, 5] as $limit) {
      $walk = $this->walk(['limit' => $limit], $pages);
      $this->assertSame((int) ceil(16 / $limit), $pages);
      $this->assertSame([$whole['guilds'], $whole['members']], [$walk['guilds'], $walk['members']]);
    }
    $this->assertSame(['Admins'], $this->labels($this->page(['types' => 'community_of_practice'])));
    $this->assertSame([], $this->page(['members' => '0'])['members']);
    $this->config('avc_moodle_sync.settings')->set('group_types', ['guild'])->save();
    $this->assertSame(['Weavers', 'Empty'], $this->labels($this->page([])));
    $this->assertRefused('bad_argument', ['types' => 'community_of_practice']);
    $this->assertSame((string) $empty->id(), (string) $this->page(['guild' => $empty->uuid()])['guilds'][0]['id']);
  }

  /**
   * A page costs as many queries for many members as for few.
   */
  public function testQueriesDoNotGrowWithMembers(): void {
    $guild = $this->guild('Weavers');
    $queries = [];
    foreach ([5, 60] as $count) {
      for ($n = 0; $n < $count; $n++) {
        $this->join($guild, $this->person("p$count-$n"), 'mentor');
      }
      $this->page([]);
      Database::startLog('page');
      $this->page([]);
      $queries[] = count(Database::getLog('page'));
    }
    $this->assertSame($queries[0], $queries[1]);
  }

  /**
   * Status, names and machine names are as they are.
   */
  public function testFactsOfGuildsAndPeople(): void {
    FieldStorageConfig::create(['entity_type' => 'group', 'field_name' => 'field_machine_name', 'type' => 'string'])->save();
    FieldConfig::create(['entity_type' => 'group', 'bundle' => 'guild', 'field_name' => 'field_machine_name'])->save();
    $guild = $this->guild('Weavers', 'guild', ['status' => 0, 'field_machine_name' => 'weavers']);
    $this->join($guild, $this->person('ada', ['mail' => NULL, 'status' => 0]));
    $this->join($guild, $this->person('bo'));
    $page = $this->page(['machine_name_field' => 'field_machine_name']);
    $this->assertSame(['weavers', FALSE], [$page['guilds'][0]['machine_name'], $page['guilds'][0]['published']]);
    $this->assertSame([['ada', NULL, FALSE], ['bo', 'bo@example.org', TRUE]], array_map(fn($one) => [$one['name'], $one['mail'], $one['active']], $page['people']));
    $this->assertNull($this->page([])['guilds'][0]['machine_name']);
    $this->assertRefused('bad_argument', ['machine_name_field' => 'label']);
  }

  /**
   * One person is found by number, name or address, with the guilds that are asked for besides.
   */
  public function testOnePerson(): void {
    [$ada, $bo, $twin] = [$this->person('ada'), $this->person('bo'), $this->person('twin', ['mail' => 'bo@example.org'])];
    [$weavers, $bakers, $smiths] = [$this->guild('Weavers'), $this->guild('Bakers'), $this->guild('Smiths')];
    $this->join($weavers, $ada);
    $this->join($weavers, $bo);
    $this->join($bakers, $bo);
    $this->join($smiths, $twin);
    foreach (['user' => $bo->id(), 'name' => 'bo'] as $by => $value) {
      $page = $this->page([$by => $value]);
      $this->assertSame(['Weavers', 'Bakers'], $this->labels($page));
      $this->assertSame([2, 1], array_column($page['guilds'], 'members'), 'all members are counted');
      $this->assertSame([(int) $bo->id()], array_values(array_unique(array_column($page['members'], 'user'))));
    }
    $this->assertSame(['bo', 'twin'], array_column($this->page(['mail' => 'bo@example.org'])['people'], 'name'));
    $page = $this->page(['name' => 'ada', 'guild' => $smiths->uuid() . ',' . $bakers->id() . ',999']);
    $this->assertSame([['Weavers', 'Bakers', 'Smiths'], ['999']], [$this->labels($page), $page['absent']]);
    $this->assertCount(1, $page['members']);
    $nobody = $this->page(['name' => 'nobody']);
    $this->assertSame([[], [], []], [$nobody['guilds'], $nobody['members'], $nobody['people']]);
  }

  /**
   * What is not understood is refused.
   */
  public function testArguments(): void {
    $this->guild('Weavers');
    $this->guild('Bakers');
    $next = $this->page(['limit' => 1])['next'];
    $this->assertNotNull($next);
    $wrong = [
      ['limit' => '0'],
      ['limit' => '20001'],
      ['foo' => '1'],
      ['types' => ''],
      ['types' => ['guild']],
      ['guild' => 'weavers'],
      ['user' => 'ada'],
      ['user' => '1', 'name' => 'x'],
      ['members' => 'no'],
      ['page' => 'x'],
      ['page' => $next, 'types' => 'guild'],
      ['since' => 'x', 'guild' => '1'],
    ];
    foreach ($wrong as $arguments) {
      $this->assertRefused('bad_argument', $arguments);
    }
  }

  /**
   * A cursor finds the guilds that changed, and only those.
   */
  public function testSince(): void {
    [$ada, $bo] = [$this->person('ada'), $this->person('bo')];
    [$weavers, $bakers, $admins] = [$this->guild('Weavers'), $this->guild('Bakers'), $this->guild('Admins', 'community_of_practice')];
    $this->join($weavers, $ada);
    $this->join($admins, $bo);
    $cursor = $this->page([])['cursor'];
    $changed = function () use (&$cursor) {
      $page = $this->walk(['since' => $cursor, 'limit' => 2]);
      $cursor = $page['cursor'];
      foreach ($page['guilds'] as $guild) {
        $this->assertCount($guild['members'], array_keys(array_column($page['members'], 'guild'), $guild['id']), 'whole guilds are given');
      }
      return [$this->labels($page), array_column($page['gone'], 'uuid')];
    };
    $this->assertSame([[], []], $changed());
    $this->join($weavers, $bo);
    $this->assertSame([['Weavers'], []], $changed());
    $this->membership($weavers, $bo)->set('group_roles', ['guild-mentor'])->save();
    $this->assertSame([['Weavers'], []], $changed());
    $this->membership($weavers, $bo)->save();
    $this->assertSame([[], []], $changed(), 'nothing changed in it');
    $bo->block()->save();
    $this->assertSame([['Weavers', 'Admins'], []], $changed());
    $bo->setEmail('bo@example.net')->save();
    $this->assertSame([['Weavers', 'Admins'], []], $changed());
    $this->person('nobody')->block()->save();
    $this->assertSame([[], []], $changed(), 'not a member');
    $this->membership($weavers, $ada)->delete();
    $this->assertSame([['Weavers'], []], $changed());
    $bakers->set('label', 'Brewers')->save();
    $this->assertSame([['Brewers'], []], $changed());
    $uuid = $bakers->uuid();
    $bakers->delete();
    $this->assertSame([[], [$uuid]], $changed());
    $bo->delete();
    $this->assertSame([['Weavers', 'Admins'], []], $changed());
    $this->assertSame([[], []], $changed());
  }

  /**
   * A cursor waits for numbers that may still come, and ends when it must.
   */
  public function testCursor(): void {
    $first = $this->guild('First');
    $database = $this->container->get('database');
    $write = fn(int $id, int $gid, int $age) => $database->insert('avc_moodle_sync_change')->fields(['id' => $id, 'gid' => $gid, 'created' => time() - $age])->execute();
    $changes = $this->container->get('avc_moodle_sync.changes');
    $now = fn() => (int) explode('.', $changes->now())[1];
    $database->truncate('avc_moodle_sync_change')->execute();
    $this->assertSame(0, $now());
    $write(5, 1, 2000);
    $this->assertSame(5, $now(), 'the numbers before it were given up long ago');
    $write(6, 1, 10);
    $write(8, 2, 5);
    $this->assertSame(6, $now(), '7 may still come');
    $cursor = $changes->now();
    $write(9, (int) $first->id(), 5);
    $page = $this->page(['since' => $cursor]);
    $this->assertSame([['First'], $cursor], [$this->labels($page), $page['cursor']], 'what is there is given at once, and again');
    $database->delete('avc_moodle_sync_change')->condition('id', 9)->execute();
    $write(7, 3, 1);
    $this->assertSame(8, $now());
    $this->assertSame([2, 3], $changes->guilds($changes->place($cursor), $changes->last()));
    $write(10, 4, 1);
    $this->assertSame(8, $now());
    $database->update('avc_moodle_sync_change')->expression('created', 'created - 1000')->execute();
    $this->assertSame(10, $now(), '9 does not come any more');
    $this->assertRefused('cursor_unknown', ['since' => $cursor]);
    $database->update('avc_moodle_sync_change')->expression('created', 'created - 10000000')->execute();
    $cursor = $changes->now();
    $changes->prune();
    $this->assertSame(1, $this->rows('avc_moodle_sync_change'));
    $this->assertSame([], $this->page(['since' => $cursor])['guilds'], 'the newest stays');
    $this->config('avc_moodle_sync.settings')->set('group_types', ['guild'])->save();
    $this->assertRefused('cursor_unknown', ['since' => $cursor]);
    $this->config('avc_moodle_sync.settings')->set('group_types', [])->save();
    $epoch = explode('.', $cursor)[0];
    $this->assertRefused('cursor_unknown', ['since' => "$epoch.0.0"]);
    $this->assertRefused('cursor_unknown', ['since' => 'ffffffff' . substr($cursor, 8)]);
  }

}
