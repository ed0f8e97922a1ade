<?php

namespace Drupal\avc_moodle_sync\EventSubscriber;

use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\avc_moodle_sync\EventQueue;
use Drupal\avc_moodle_sync\EventSender;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpKernel\KernelEvents;

/**
 * Sends what a request queued, when its response has gone out: nobody waits for it.
 */
class SendSubscriber implements EventSubscriberInterface {

  /**
   * For how long a web server's process is kept at most, in seconds.
   */
  const SECONDS = 5;

  public function __construct(
    protected EventQueue $events,
    protected EventSender $sender,
    protected ConfigFactoryInterface $config,
  ) {}

  /**
   * {@inheritdoc}
   */
  public static function getSubscribedEvents(): array {
    return [KernelEvents::TERMINATE => ['onTerminate', -100]];
  }

  /**
   * Sends.
   */
  public function onTerminate(): void {
    if ($this->events->wasUsed() && $this->config->get('avc_moodle_sync.settings')->get('send_at_once')) {
      $this->sender->send(self::SECONDS);
    }
  }

}
