<?php

namespace Drupal\avc_moodle_sync\Controller;

use Drupal\Core\Controller\ControllerBase;
use Drupal\Core\Extension\ModuleExtensionList;
use Drupal\Core\State\StateInterface;
use Drupal\avc_moodle_sync\ApiException;
use Drupal\avc_moodle_sync\ChangeLog;
use Drupal\avc_moodle_sync\Credentials;
use Drupal\avc_moodle_sync\EventSender;
use Drupal\avc_moodle_sync\GroupModel;
use Drupal\avc_moodle_sync\GuildReader;
use Drupal\avc_moodle_sync\GuildReports;
use Drupal\avc_moodle_sync\PageRequest;
use Symfony\Component\DependencyInjection\ContainerInterface;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;

/**
 * The interface for Rollbook.
 */
class ApiController extends ControllerBase {

  /**
   * The version of the interface; a change that old readers cannot bear makes a new one, and a new path.
   */
  const VERSION = 1;

  public function __construct(
    protected GuildReader $reader,
    protected GuildReports $reports,
    protected GroupModel $model,
    protected ChangeLog $changes,
    protected EventSender $sender,
    protected Credentials $credentials,
    protected StateInterface $memory,
    protected ModuleExtensionList $modules,
  ) {}

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container) {
    return new static(
      $container->get('avc_moodle_sync.reader'),
      $container->get('avc_moodle_sync.reports'),
      $container->get('avc_moodle_sync.model'),
      $container->get('avc_moodle_sync.changes'),
      $container->get('avc_moodle_sync.sender'),
      $container->get('avc_moodle_sync.credentials'),
      $container->get('state'),
      $container->get('extension.list.module'),
    );
  }

  /**
   * Guilds, members and people, by page.
   */
  public function guilds(Request $request): JsonResponse {
    $page = $this->reader->page(PageRequest::of($request));
    if (!$request->query->has('page')) {
      $this->memory->set('avc_moodle_sync.seen', time());
    }
    return $this->answer($page);
  }

  /**
   * What this module is, as whom Rollbook is here, and how events go.
   */
  public function status(): JsonResponse {
    $types = $this->model->groupTypes();
    return $this->answer([
      'module' => (string) ($this->modules->getExtensionInfo('avc_moodle_sync')['version'] ?? ''),
      'drupal' => \Drupal::VERSION,
      'group' => [
        'entity_type' => $this->model->membershipType(),
        'major' => $this->model->version(),
        'version' => (string) ($this->modules->getExtensionInfo('group')['version'] ?? ''),
      ],
      'may_report' => $this->currentUser()->hasPermission('report moodle sync'),
      'types' => $types,
      'count' => $this->reader->count($types),
      'cursor' => $this->changes->now(),
      'events' => $this->sender->standing(),
    ]);
  }

  /**
   * Takes what Rollbook reports of guilds.
   */
  public function report(Request $request): JsonResponse {
    $body = json_decode($request->getContent(), TRUE, 8);
    if (!is_array($body) || !is_array($body['guilds'] ?? NULL)) {
      throw new ApiException(400, 'bad_report', 'A JSON object with the list guilds is needed.');
    }
    return $this->answer($this->reports->take($body['guilds']));
  }

  /**
   * Gives a ticket for a password that was right.
   */
  public function ticket(): JsonResponse {
    return $this->answer($this->credentials->ticket($this->currentUser()));
  }

  /**
   * An answer; each says as whom Rollbook is here, so that a wrong account is seen.
   */
  protected function answer(array $content): JsonResponse {
    $account = $this->entityTypeManager()->getStorage('user')->load($this->currentUser()->id());
    $response = new JsonResponse(NULL, 200, ['Cache-Control' => 'no-store']);
    $response->setEncodingOptions(JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE);
    return $response->setData([
      'version' => self::VERSION,
      'time' => time(),
      'account' => [
        'id' => (int) $account->id(),
        'uuid' => $account->uuid(),
        'name' => $account->getAccountName(),
      ],
    ] + $content);
  }

}
