<?php

namespace Drupal\avc_moodle_sync\EventSubscriber;

use Drupal\Core\Session\AccountInterface;
use Drupal\avc_moodle_sync\ApiException;
use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpKernel\Event\ExceptionEvent;
use Symfony\Component\HttpKernel\Exception\HttpExceptionInterface;
use Symfony\Component\HttpKernel\KernelEvents;

/**
 * Every error of the interface is JSON, those of Drupal and of other modules too.
 */
class ApiErrorSubscriber implements EventSubscriberInterface {

  public function __construct(protected AccountInterface $account) {}

  /**
   * {@inheritdoc}
   */
  public static function getSubscribedEvents(): array {
    // After Drupal has logged it (50), before anybody makes a page of it.
    return [KernelEvents::EXCEPTION => ['onException', 40]];
  }

  /**
   * Answers in JSON.
   */
  public function onException(ExceptionEvent $event): void {
    $exception = $event->getThrowable();
    if (!str_starts_with($event->getRequest()->getPathInfo(), '/avc-moodle-sync/') || !$exception instanceof HttpExceptionInterface) {
      return;
    }
    $status = $exception->getStatusCode();
    $message = $exception->getMessage();
    $request = $event->getRequest();
    $given = fn($name) => (string) $request->headers->get($name);
    $headers = $exception->getHeaders();
    if ($exception instanceof ApiException) {
      $code = $exception->errorCode;
    }
    elseif ($status === 403 && stripos($given('Authorization'), 'basic ') === 0 && !str_ends_with($request->getPathInfo(), '/ticket')) {
      $status = 401;
      $code = 'wrong_credentials';
      $message = 'A password is taken for a ticket only, at /avc-moodle-sync/v1/ticket.';
    }
    elseif ($status === 401 || ($status === 403 && $this->account->isAnonymous())) {
      $status = 401;
      $some = $given('Authorization') . $given('X-Rollbook-Key') !== '';
      $code = $some ? 'wrong_credentials' : 'no_credentials';
      $message = $some ? 'The credentials are wrong.' : 'Credentials are needed: X-Rollbook-Key, or a bearer token.';
    }
    else {
      $code = match ($status) {
        403 => 'no_permission',
        404 => 'not_found',
        405 => 'wrong_method',
        default => "http_$status",
      };
      $message = $status === 403 ? 'The account lacks the permission.' : $message;
    }
    $event->setResponse(new JsonResponse(['error' => ['code' => $code, 'message' => $message]], $status, ['Cache-Control' => 'no-store'] + $headers));
  }

}
