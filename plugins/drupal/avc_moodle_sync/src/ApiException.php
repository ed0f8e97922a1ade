<?php

namespace Drupal\avc_moodle_sync;

use Symfony\Component\HttpKernel\Exception\HttpException;

/**
 * What the interface answers instead of what was asked for: a status, a code for programs, a sentence for people.
 */
class ApiException extends HttpException {

  public function __construct(int $status, public readonly string $errorCode, string $message) {
    parent::__construct($status, $message);
  }

}
