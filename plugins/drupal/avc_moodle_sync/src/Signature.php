<?php

namespace Drupal\avc_moodle_sync;

/**
 * Signs events as Rollbook believes them: an HMAC over the time, a full stop and the body.
 */
class Signature {

  const TIMESTAMP = 'X-Rollbook-Timestamp';
  const SIGNATURE = 'X-Rollbook-Signature';

  /**
   * The headers of an event that is sent now.
   *
   * @return string[]
   *   The headers.
   */
  public static function headers(string $secret, int $now, string $body): array {
    return [
      self::TIMESTAMP => (string) $now,
      self::SIGNATURE => 'sha256=' . hash_hmac('sha256', "$now.$body", $secret),
    ];
  }

}
