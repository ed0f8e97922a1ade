<?php

namespace Drupal\avc_moodle_sync;

use Drupal\Component\Datetime\TimeInterface;
use Drupal\Component\Utility\Crypt;
use Drupal\Core\Entity\EntityTypeManagerInterface;
use Drupal\Core\PrivateKey;
use Drupal\Core\Session\AccountInterface;
use Drupal\Core\Site\Settings;
use Drupal\Core\State\StateInterface;
use Drupal\user\UserInterface;

/**
 * The key that Rollbook reads with, and the secret that events are signed with.
 *
 * Neither is configuration, which is exported and committed. Of the key only a digest is kept. settings.php may hold
 * the secret instead: $settings['avc_moodle_sync_secret'].
 */
class Credentials {

  const ACCOUNT = 'avc_moodle_sync.account';
  const KEY = 'avc_moodle_sync.key_digest';
  const SECRET = 'avc_moodle_sync.secret';

  /**
   * For how long a ticket is good, in seconds: longer than a walk through all pages.
   */
  const TICKET_SECONDS = 900;

  public function __construct(
    protected StateInterface $state,
    protected EntityTypeManagerInterface $entityTypeManager,
    protected PrivateKey $privateKey,
    protected TimeInterface $time,
  ) {}

  /**
   * Makes a new key; the old one ends.
   */
  public function makeKey(): string {
    $key = Crypt::randomBytesBase64(32);
    $this->state->set(self::KEY, hash('sha256', $key));
    return $key;
  }

  /**
   * Whether there is a key.
   */
  public function hasKey(): bool {
    return (bool) $this->state->get(self::KEY);
  }

  /**
   * The secret of events; empty where there is none.
   */
  public function secret(): string {
    return (string) (Settings::get('avc_moodle_sync_secret') ?: $this->state->get(self::SECRET, ''));
  }

  /**
   * Sets the secret of events.
   */
  public function setSecret(string $secret): void {
    $this->state->set(self::SECRET, $secret);
  }

  /**
   * A ticket for an account that has just proved itself: it spares the password check on every page.
   */
  public function ticket(AccountInterface $account): array {
    $expires = $this->time->getCurrentTime() + self::TICKET_SECONDS;
    $user = $this->entityTypeManager->getStorage('user')->load($account->id());
    return [
      'ticket' => "t.{$user->id()}.$expires." . $this->seal($user, $expires),
      'expires_in' => self::TICKET_SECONDS,
    ];
  }

  /**
   * The account that a key or a ticket stands for.
   */
  public function account(string $given): ?UserInterface {
    if (preg_match('/^t\.([1-9]\d{0,9})\.(\d{1,12})\.[\w-]{43}$/', $given, $parts)) {
      $user = $this->entityTypeManager->getStorage('user')->load($parts[1]);
      $good = $user && $parts[2] >= $this->time->getCurrentTime()
        && hash_equals("t.$parts[1].$parts[2]." . $this->seal($user, (int) $parts[2]), $given);
    }
    else {
      $user = $this->entityTypeManager->getStorage('user')->load($this->state->get(self::ACCOUNT, 0));
      $good = $user && hash_equals((string) $this->state->get(self::KEY, ''), hash('sha256', $given));
    }
    return $good && $user->isActive() ? $user : NULL;
  }

  /**
   * The seal of a ticket; another password makes it void.
   */
  protected function seal(UserInterface $user, int $expires): string {
    $key = $this->privateKey->get() . Settings::getHashSalt() . $user->getPassword();
    return Crypt::hmacBase64("avc_moodle_sync.{$user->id()}.$expires", $key);
  }

}
