<?php

namespace Drupal\Tests\avc_moodle_sync\Kernel;

use Drupal\avc_moodle_sync\EventSender;
use Drupal\avc_moodle_sync\Form\SettingsForm;
use Drupal\avc_moodle_sync\GuildReports;
use GuzzleHttp\Client;
use GuzzleHttp\Exception\ConnectException;
use GuzzleHttp\Handler\MockHandler;
use GuzzleHttp\HandlerStack;
use GuzzleHttp\Middleware;
use GuzzleHttp\Psr7\Request;
use GuzzleHttp\Psr7\Response;

/**
 * What is queued, how it is signed and sent, and what happens when that goes wrong.
 *
 * @group avc_moodle_sync
 */
class EventTest extends SyncTestBase {

  const SECRET = 'a secret of some length';

  /**
   * What Rollbook answers.
   */
  protected MockHandler $answers;

  /**
   * What was sent.
   */
  protected array $sent = [];

  /**
   * {@inheritdoc}
   */
  protected function setUp(): void {
    parent::setUp();
    $this->answers = new MockHandler();
    $stack = HandlerStack::create($this->answers);
    $stack->push(Middleware::history($this->sent));
    $this->container->set('http_client', new Client(['handler' => $stack]));
  }

  /**
   * Says where Rollbook is.
   */
  protected function connect(): void {
    $this->config('avc_moodle_sync.settings')->set('rollbook_url', 'https://rollbook.example.org')->save();
    $this->container->get('avc_moodle_sync.credentials')->setSecret(self::SECRET);
  }

  /**
   * The events that wait, as endpoint and body.
   */
  protected function waiting(): array {
    $rows = \Drupal::database()->query('SELECT endpoint, body FROM {avc_moodle_sync_event} ORDER BY id');
    return array_map(fn($row) => [$row->endpoint, json_decode($row->body, TRUE)], $rows->fetchAll());
  }

  /**
   * The names of the events that wait.
   */
  protected function names(): array {
    return array_map(fn($event) => $event[1]['event'], $this->waiting());
  }

  /**
   * Sends; each answer is a status or an exception.
   */
  protected function send(int|\Exception ...$answers): int {
    foreach ($answers as $answer) {
      $this->answers->append(is_int($answer) ? new Response($answer) : $answer);
    }
    return $this->container->get('avc_moodle_sync.sender')->send(30, TRUE);
  }

  /**
   * Each kind of change is an event, and nothing else is.
   */
  public function testChangesAreEvents(): void {
    $ada = $this->person('ada');
    $this->guild('Before');
    $this->assertSame([], $this->waiting(), 'nobody to send it to');
    $this->connect();
    $names = function () {
      $names = $this->names();
      \Drupal::database()->truncate('avc_moodle_sync_event')->execute();
      return $names;
    };
    $guild = $this->guild('Weavers');
    $this->assertSame(['guild_made'], $names());
    $this->join($guild, $ada);
    [$endpoint, $body] = $this->waiting()[0];
    $this->assertSame(['membership', 'joined', (int) $guild->id(), (int) $ada->id(), []], [$endpoint, $body['event'], $body['guild'], $body['user'], $body['roles']]);
    $names();
    $membership = $this->membership($guild, $ada);
    $membership->set('group_roles', ['guild-mentor', 'guild-admin'])->save();
    $this->assertSame(['roles_changed'], $names());
    $membership->set('group_roles', ['guild-admin', 'guild-mentor'])->save();
    $this->assertSame([], $names(), 'the same roles');
    $guild->set('label', 'Spinners')->save();
    $guild->save();
    $this->assertSame(['guild_renamed'], $names());
    $guild->set('status', 0)->save();
    $this->assertSame(['guild_unpublished'], $names());
    $ada->block()->save();
    $ada->activate()->save();
    $ada->setUsername('ada2')->save();
    $ada->set('timezone', 'Europe/London')->save();
    $this->assertSame(['account_blocked', 'account_unblocked', 'account_changed'], $names());
    $membership->delete();
    $this->assertSame(['left'], $names());
    $this->container->get('avc_moodle_sync.reports')->ask((int) $guild->id(), 1);
    $guild->delete();
    $this->assertSame(['guild_deleted'], $names());
    $this->assertSame(0, $this->rows('avc_moodle_sync_guild'));
    $this->config('avc_moodle_sync.settings')->set('group_types', ['guild'])->save();
    $this->join($this->guild('Admins', 'community_of_practice'), $ada);
    $this->assertSame([], $names(), 'not a guild');
  }

  /**
   * An event is signed as Rollbook verifies it, and goes when it was taken.
   */
  public function testSigned(): void {
    $this->connect();
    $this->guild('Guild of Łódź');
    $this->assertSame(1, $this->send(202));
    $this->assertSame(0, $this->rows('avc_moodle_sync_event'));
    $request = $this->sent[0]['request'];
    $this->assertSame('https://rollbook.example.org/api/v1/events/guild', (string) $request->getUri());
    $time = $request->getHeaderLine('x-rollbook-timestamp');
    $this->assertEqualsWithDelta(time(), (int) $time, 5);
    $body = (string) $request->getBody();
    $this->assertStringContainsString('Łódź', $body);
    $this->assertSame('sha256=' . hash_hmac('sha256', "$time.$body", self::SECRET), $request->getHeaderLine('x-rollbook-signature'));
    // The example of Rollbook's own tests.
    $this->assertSame('cf3a5a26590eb792cc89766bb13e11665f7af4a10872cc1b1dfd765f35a46eb0', hash_hmac('sha256', '1795425260.{"user_id":42,"course_id":7}', self::SECRET));
  }

  /**
   * What goes wrong is tried again, later; what Rollbook cannot read is not.
   */
  public function testRetries(): void {
    $this->connect();
    $sender = $this->container->get('avc_moodle_sync.sender');
    $this->guild('A');
    $this->guild('B');
    $this->guild('C');
    $this->assertSame(0, $this->send(new ConnectException('no route', new Request('POST', '/'))));
    $standing = $sender->standing();
    $this->assertSame([3, 1, 'no route'], [$standing['waiting'], $standing['failures'], $standing['error']]);
    $this->assertSame(0, $sender->send(30), 'not so soon again');
    $this->assertCount(1, $this->sent);
    // The one that was tried least comes first.
    $this->assertSame(1, $this->send(409, 503));
    $this->assertStringContainsString('"B"', (string) $this->sent[1]['request']->getBody());
    $this->assertSame('Rollbook answered 503', $sender->standing()['error']);
    $this->assertSame(1, $this->send(400, 202));
    $standing = $sender->standing();
    $this->assertSame([0, 1, 0, ''], [$standing['waiting'], $standing['failed'], $standing['failures'], $standing['error']]);
    \Drupal::database()->update('avc_moodle_sync_event')->expression('created', 'created - 10000000')->execute();
    $sender->prune();
    $this->assertSame(0, $this->rows('avc_moodle_sync_event'));
    $this->guild('D');
    $this->send(401);
    $this->assertStringContainsString('the secret is another one', $sender->standing()['error']);
    $wait = $sender->standing()['not_before'] - time();
    $this->assertTrue($wait > 10 && $wait <= 15);
    for ($n = 0; $n < 12; $n++) {
      $this->send(500);
    }
    $this->assertEqualsWithDelta(EventSender::WAIT_MAX, $sender->standing()['not_before'] - time(), 5);
  }

  /**
   * Many people who join a guild are one event of the guild; others stay.
   */
  public function testManyMembersAreOneEvent(): void {
    [$weavers, $bakers] = [$this->guild('Weavers'), $this->guild('Bakers')];
    $people = array_map(fn($n) => $this->person("p$n"), range(0, 20));
    $this->connect();
    foreach ($people as $account) {
      $this->join($weavers, $account);
    }
    $this->join($bakers, $people[0]);
    $this->assertSame(2, $this->send(202, 202));
    $bodies = array_map(fn($sent) => json_decode($sent['request']->getBody(), TRUE), $this->sent);
    $this->assertSame([['joined', (int) $bakers->id()], ['members_changed', (int) $weavers->id()]], array_map(fn($body) => [$body['event'], $body['guild']], $bodies));
  }

  /**
   * Events go to a web address by TLS, or to this machine.
   */
  public function testAddress(): void {
    $good = ['https://rollbook.example.org', 'https://example.org/rollbook', 'http://127.0.0.1:8080', 'http://localhost', 'http://[::1]:80'];
    $bad = ['http://example.org', 'https://u:p@example.org', 'https://example.org?x=1', 'https://example.org/#x', 'ftp://localhost', 'javascript:1', ''];
    $this->assertSame($good, array_values(array_filter(array_merge($good, $bad), [SettingsForm::class, 'isAddress'])));
  }

  /**
   * Nobody asks twice within half a minute, and a report ends the asking.
   */
  public function testAsk(): void {
    $reports = $this->container->get('avc_moodle_sync.reports');
    $this->assertTrue($reports->ask(7, 1));
    $this->assertFalse($reports->ask(7, 1));
    \Drupal::database()->update('avc_moodle_sync_guild')->expression('asked', 'asked - ' . (GuildReports::ASK_SECONDS + 1))->execute();
    $this->assertTrue($reports->ask(7, 1));
  }

}
