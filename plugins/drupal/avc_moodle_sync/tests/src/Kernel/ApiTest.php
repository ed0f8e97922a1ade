<?php

namespace Drupal\Tests\avc_moodle_sync\Kernel;

use Drupal\avc_moodle_sync\Access\GuildAccess;
use Drupal\group\Entity\GroupRole;
use Drupal\user\Entity\Role;
use Drupal\user\Entity\User;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;

/**
 * The interface as a caller sees it: who is let in, what is answered, and what is left after uninstalling.
 *
 * @group avc_moodle_sync
 */
class ApiTest extends SyncTestBase {

  /**
   * Calls the interface.
   */
  protected function call(string $path, array $headers = [], ?string $body = NULL): Response {
    $request = Request::create("/avc-moodle-sync/v1/$path", $body === NULL ? 'GET' : 'POST', content: $body);
    foreach ($headers as $name => $value) {
      $request->headers->set($name, $value);
      if ($name === 'Authorization') {
        [$user, $password] = explode(':', base64_decode(substr($value, 6)));
        $request->headers->add(['PHP_AUTH_USER' => $user, 'PHP_AUTH_PW' => $password]);
      }
    }
    return $this->container->get('http_kernel')->handle($request);
  }

  /**
   * Status and code of an answer, or the account it was given to.
   */
  protected function outcome(Response $response): array {
    $this->assertSame('application/json', $response->headers->get('Content-Type'));
    $this->assertStringContainsString('no-store', $response->headers->get('Cache-Control'));
    $body = json_decode($response->getContent(), TRUE);
    return [$response->getStatusCode(), $body['error']['code'] ?? $body['account']['name']];
  }

  /**
   * A key, a ticket and nothing else opens the interface.
   */
  public function testCredentials(): void {
    $credentials = $this->container->get('avc_moodle_sync.credentials');
    $key = $credentials->makeKey();
    $this->assertSame([401, 'no_credentials'], $this->outcome($this->call('guilds')));
    $this->assertSame([401, 'wrong_credentials'], $this->outcome($this->call('guilds', ['X-Rollbook-Key' => 'wrong'])));
    $this->assertSame([200, 'avc_moodle_sync'], $this->outcome($this->call('guilds', ['X-Rollbook-Key' => $key])));
    $this->assertSame([200, 'avc_moodle_sync'], $this->outcome($this->call('status', ['X-Rollbook-Key' => $key])));
    $again = $credentials->makeKey();
    $this->assertSame([401, 'wrong_credentials'], $this->outcome($this->call('guilds', ['X-Rollbook-Key' => $key])));
    $this->assertSame([400, 'bad_argument'], $this->outcome($this->call('guilds?x=1', ['X-Rollbook-Key' => $again])));
    $this->assertSame([404, 'not_found'], $this->outcome($this->call('nothing', ['X-Rollbook-Key' => $again])));
    $this->assertSame([405, 'wrong_method'], $this->outcome($this->call('guilds', ['X-Rollbook-Key' => $again], '{}')));
    User::load($this->container->get('state')->get('avc_moodle_sync.account'))->block()->save();
    $this->assertSame([401, 'wrong_credentials'], $this->outcome($this->call('guilds', ['X-Rollbook-Key' => $again])));
  }

  /**
   * A password is worth a ticket, where there is the permission, until it is changed.
   */
  public function testTicket(): void {
    $account = $this->person('rollbook', ['pass' => 'right', 'roles' => ['avc_moodle_sync']]);
    $this->person('stranger', ['pass' => 'right']);
    $basic = fn($words) => ['Authorization' => 'Basic ' . base64_encode($words)];
    $this->assertSame([401, 'wrong_credentials'], $this->outcome($this->call('ticket', $basic('rollbook:wrong'), '')));
    $this->assertSame([403, 'no_permission'], $this->outcome($this->call('ticket', $basic('stranger:right'), '')));
    $this->assertSame([401, 'wrong_credentials'], $this->outcome($this->call('guilds', $basic('rollbook:right'))));
    $answer = $this->call('ticket', $basic('rollbook:right'), '');
    $this->assertSame([200, 'rollbook'], $this->outcome($answer));
    $ticket = json_decode($answer->getContent(), TRUE)['ticket'];
    $this->assertSame([200, 'rollbook'], $this->outcome($this->call('guilds', ['X-Rollbook-Key' => $ticket])));
    [$t, $uid, $expires, $seal] = explode('.', $ticket);
    foreach (["$t.1.$expires.$seal", "$t.$uid." . ($expires + 1) . ".$seal", substr($ticket, 0, -1)] as $forged) {
      $this->assertSame([401, 'wrong_credentials'], $this->outcome($this->call('guilds', ['X-Rollbook-Key' => $forged])));
    }
    $account->setPassword('another')->save();
    $this->assertSame([401, 'wrong_credentials'], $this->outcome($this->call('guilds', ['X-Rollbook-Key' => $ticket])));
  }

  /**
   * A report is kept for each guild that it fits; the rest is told.
   */
  public function testReport(): void {
    $key = ['X-Rollbook-Key' => $this->container->get('avc_moodle_sync.credentials')->makeKey()];
    $guild = $this->guild('Weavers');
    $good = ['uuid' => strtoupper($guild->uuid()), 'state' => 'held', 'members' => 3, 'in_step' => 2, 'synced' => 1700000000, 'cohort' => ['id' => 5, 'idnumber' => 'weavers', 'url' => 'https://moodle.example.org/x']];
    $items = [
      $good,
      ['uuid' => 'nobody'] + $good,
      ['state' => 'well'] + $good,
      ['cohort' => ['url' => 'javascript:alert(1)']] + $good,
      ['members' => '3'] + $good,
      ['message' => str_repeat('x', 1001)] + $good,
      5,
    ];
    $answer = json_decode($this->call('report', $key, json_encode(['guilds' => $items]))->getContent(), TRUE);
    $this->assertSame(1, $answer['taken']);
    $this->assertSame([[1, 'no_guild'], [2, 'bad_item'], [3, 'bad_item'], [4, 'bad_item'], [5, 'bad_item'], [6, 'bad_item']], array_map(fn($one) => [$one['index'], $one['code']], $answer['refused']));
    $known = $this->container->get('avc_moodle_sync.reports')->of([$guild->id()])[$guild->id()];
    $this->assertSame(['held', 'weavers', '2'], [$known->state, $known->cohort_idnumber, (string) $known->in_step]);
    foreach (['', 'null', '[]', '{"guilds": {"a": 1}}', json_encode(['guilds' => array_fill(0, 501, $good)])] as $bad) {
      $this->assertSame([400, 'bad_report'], $this->outcome($this->call('report', $key, $bad)));
    }
    Role::load('avc_moodle_sync')->revokePermission('report moodle sync')->save();
    $this->assertSame([403, 'no_permission'], $this->outcome($this->call('report', $key, '{"guilds": []}')));
  }

  /**
   * A guild's page is for those who may see it, of this guild or of all.
   */
  public function testWhoSeesTheGuildsPage(): void {
    [$weavers, $bakers] = [$this->guild('Weavers'), $this->guild('Bakers')];
    $mentor = $this->person('mentor');
    $this->join($weavers, $mentor, 'mentor');
    $member = $this->person('member');
    $this->join($weavers, $member);
    Role::create(['id' => 'sees', 'label' => 'Sees', 'permissions' => ['view moodle sync']])->save();
    $manager = $this->person('manager', ['roles' => ['sees']]);
    $sees = fn($account) => array_map(fn($guild) => GuildAccess::view($guild, $account)->isAllowed(), [$weavers, $bakers]);
    $this->assertSame([[TRUE, FALSE], [FALSE, FALSE], [TRUE, TRUE]], array_map($sees, [$mentor, $member, $manager]));
    $this->assertFalse(GuildAccess::check($weavers, $mentor, 'ask for moodle sync')->isAllowed());
  }

  /**
   * Nothing stays behind.
   */
  public function testUninstall(): void {
    $this->container->get('avc_moodle_sync.credentials')->makeKey();
    $this->container->get('avc_moodle_sync.credentials')->setSecret('x');
    $uid = $this->container->get('state')->get('avc_moodle_sync.account');
    $mine = fn() => array_filter(array_keys(\Drupal::keyValue('state')->getAll()), fn($name) => str_starts_with($name, 'avc_moodle_sync'));
    $this->assertCount(4, $mine());
    $this->assertTrue(User::load($uid)->hasRole('avc_moodle_sync'));
    $this->join($this->guild('Weavers'), $this->person('ada'));
    $this->container->get('module_installer')->uninstall(['avc_moodle_sync']);
    $database = \Drupal::database();
    $this->assertSame([], $database->schema()->findTables('avc_moodle_sync%'));
    $this->assertNull(User::load($uid));
    $this->assertNull(Role::load('avc_moodle_sync'));
    $this->assertSame([], GroupRole::load('guild-mentor')->getPermissions());
    $this->assertSame([], \Drupal::configFactory()->listAll('avc_moodle_sync'));
    $this->assertSame([], $mine());
  }

}
