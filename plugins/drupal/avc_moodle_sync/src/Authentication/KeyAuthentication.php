<?php

namespace Drupal\avc_moodle_sync\Authentication;

use Drupal\Core\Authentication\AuthenticationProviderInterface;
use Drupal\avc_moodle_sync\ApiException;
use Drupal\avc_moodle_sync\Credentials;
use Symfony\Component\HttpFoundation\Request;

/**
 * Knows Rollbook by the header X-Rollbook-Key: a key, or a ticket.
 */
class KeyAuthentication implements AuthenticationProviderInterface {

  const HEADER = 'X-Rollbook-Key';

  public function __construct(protected Credentials $credentials) {}

  /**
   * {@inheritdoc}
   */
  public function applies(Request $request) {
    return (string) $request->headers->get(self::HEADER) !== '';
  }

  /**
   * {@inheritdoc}
   */
  public function authenticate(Request $request) {
    $account = $this->credentials->account((string) $request->headers->get(self::HEADER));
    return $account ?? throw new ApiException(401, 'wrong_credentials', 'The key or ticket is wrong, or ended, or its account is blocked.');
  }

}
