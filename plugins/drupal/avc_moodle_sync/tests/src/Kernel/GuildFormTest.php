<?php

namespace Drupal\Tests\avc_moodle_sync\Kernel;

use Drupal\Core\Form\FormState;
use Drupal\Core\Session\AccountInterface;
use Drupal\avc_moodle_sync\EventSender;
use Drupal\avc_moodle_sync\Form\GuildForm;
use Drupal\group\Entity\GroupInterface;
use Drupal\user\Entity\Role;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;

/**
 * What people see of a guild's sync, and the button that asks for one.
 *
 * @group avc_moodle_sync
 */
class GuildFormTest extends SyncTestBase {

  /**
   * Somebody who may see and ask, and somebody who may see only.
   */
  protected array $people;

  /**
   * {@inheritdoc}
   */
  protected function setUp(): void {
    parent::setUp();
    foreach (['asks' => ['view moodle sync', 'ask for moodle sync'], 'sees' => ['view moodle sync']] as $name => $permissions) {
      Role::create(['id' => $name, 'label' => $name, 'permissions' => $permissions])->save();
      $this->people[$name] = $this->person($name, ['roles' => [$name]]);
    }
    $this->config('avc_moodle_sync.settings')->set('rollbook_url', 'https://rollbook.example.org')->save();
    $this->container->get('avc_moodle_sync.credentials')->setSecret('a secret');
  }

  /**
   * The form as somebody sees it, as text.
   */
  protected function text(GroupInterface $guild, AccountInterface $account): string {
    $this->container->get('current_user')->setAccount($account);
    $form = $this->container->get('form_builder')->getForm(GuildForm::class, $guild);
    $html = (string) $this->container->get('renderer')->renderRoot($form);
    return trim(preg_replace('/\s+/', ' ', strip_tags(str_replace('value="', '>', $html))));
  }

  /**
   * Presses the button.
   */
  protected function press(GroupInterface $guild, AccountInterface $account): array {
    $this->container->get('current_user')->setAccount($account);
    $state = (new FormState())->addBuildInfo('args', [$guild]);
    $form = GuildForm::create($this->container);
    $form->buildForm([], $state, $guild);
    $built = [];
    $form->submitForm($built, $state);
    return array_keys($this->container->get('messenger')->deleteAll());
  }

  /**
   * Facts are shown as they were reported, and never as markup.
   */
  public function testFacts(): void {
    $guild = $this->guild('Weavers');
    $this->assertStringContainsString('has not reported anything', $this->text($guild, $this->people['sees']));
    $this->container->get('avc_moodle_sync.reports')->take([
      [
        'uuid' => $guild->uuid(),
        'state' => 'held',
        'cohort' => ['name' => '<b>Weavers</b>', 'url' => 'https://moodle.example.org/7'],
        'members' => 60,
        'in_step' => 58,
        'synced' => \Drupal::time()->getRequestTime() - 3600,
        'message' => '<script>',
      ],
    ]);
    $text = $this->text($guild, $this->people['sees']);
    foreach (['&lt;b&gt;Weavers&lt;/b&gt;', '58 of 60', 'Changes wait for an approval', '&lt;script&gt;', '1 hour ago'] as $fact) {
      $this->assertStringContainsString($fact, $text);
    }
  }

  /**
   * Who may ask does so, once in a while; Rollbook hears of it.
   */
  public function testAsking(): void {
    $guild = $this->guild('Weavers');
    \Drupal::database()->truncate('avc_moodle_sync_event')->execute();
    $this->assertStringContainsString('Sync this guild now', $this->text($guild, $this->people['asks']));
    $this->assertStringNotContainsString('Sync this guild now', $this->text($guild, $this->people['sees']));
    $this->assertSame(['error'], $this->press($guild, $this->people['sees']));
    $this->assertSame(0, $this->rows('avc_moodle_sync_event'));
    $this->assertSame(['status'], $this->press($guild, $this->people['asks']));
    $this->assertSame(['warning'], $this->press($guild, $this->people['asks']));
    $this->assertSame(1, $this->rows('avc_moodle_sync_event'));
    $body = json_decode(\Drupal::database()->query('SELECT body FROM {avc_moodle_sync_event}')->fetchField(), TRUE);
    $this->assertSame(['sync_asked', $guild->uuid(), (int) $this->people['asks']->id()], [$body['event'], $body['uuid'], $body['by']]);
    $this->assertStringContainsString('A sync was asked for', $this->text($guild, $this->people['sees']));
    $this->config('avc_moodle_sync.settings')->set('rollbook_url', '')->save();
    $this->assertStringNotContainsString('Sync this guild now', $this->text($guild, $this->people['asks']), 'nobody would hear it');
  }

  /**
   * What a request queued is sent when its response has gone out, and only then.
   */
  public function testSentAfterTheResponse(): void {
    $sender = $this->createMock(EventSender::class);
    $sender->expects($this->once())->method('send');
    $this->container->set('avc_moodle_sync.sender', $sender);
    $end = fn() => $this->container->get('http_kernel')->terminate(Request::create('/'), new Response());
    $end();
    $this->guild('Weavers');
    $end();
  }

}
