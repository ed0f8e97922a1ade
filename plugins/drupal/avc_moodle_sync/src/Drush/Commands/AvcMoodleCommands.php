<?php

namespace Drupal\avc_moodle_sync\Drush\Commands;

use Consolidation\OutputFormatters\StructuredData\PropertyList;
use Consolidation\OutputFormatters\StructuredData\RowsOfFields;
use Drupal\Component\Utility\Crypt;
use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Extension\ModuleExtensionList;
use Drupal\Core\Site\Settings;
use Drupal\Core\State\StateInterface;
use Drupal\avc_moodle_sync\ChangeLog;
use Drupal\avc_moodle_sync\Credentials;
use Drupal\avc_moodle_sync\EventSender;
use Drupal\avc_moodle_sync\Form\SettingsForm;
use Drupal\avc_moodle_sync\GroupModel;
use Drupal\avc_moodle_sync\GuildReader;
use Drupal\avc_moodle_sync\GuildReports;
use Drush\Attributes as CLI;
use Drush\Commands\DrushCommands;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Commands of the Moodle sync.
 */
final class AvcMoodleCommands extends DrushCommands {

  public function __construct(
    protected GroupModel $model,
    protected GuildReader $reader,
    protected GuildReports $reports,
    protected ChangeLog $changes,
    protected EventSender $sender,
    protected Credentials $credentials,
    protected ConfigFactoryInterface $configFactory,
    protected StateInterface $state,
    protected ModuleExtensionList $modules,
  ) {
    parent::__construct();
  }

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container): self {
    return new self(
      $container->get('avc_moodle_sync.model'),
      $container->get('avc_moodle_sync.reader'),
      $container->get('avc_moodle_sync.reports'),
      $container->get('avc_moodle_sync.changes'),
      $container->get('avc_moodle_sync.sender'),
      $container->get('avc_moodle_sync.credentials'),
      $container->get('config.factory'),
      $container->get('state'),
      $container->get('extension.list.module'),
    );
  }

  /**
   * How the Moodle sync stands, seen from here.
   */
  #[CLI\Command(name: 'avc-moodle:status')]
  #[CLI\FieldLabels(labels: [
    'module' => 'Module',
    'group' => 'Group module',
    'types' => 'Group types',
    'guilds' => 'Guilds',
    'members' => 'Memberships',
    'key' => 'Key for reading',
    'read' => 'Last read by Rollbook',
    'reported' => 'Last report of Rollbook',
    'rollbook' => 'Rollbook',
    'waiting' => 'Events waiting',
    'failed' => 'Events failed',
    'sent' => 'Last event sent',
    'error' => 'Last error',
    'cursor' => 'Cursor',
  ])]
  #[CLI\Usage(name: 'drush avc-moodle:status', description: 'Show what is set up, what waits and what went wrong.')]
  public function status(array $options = ['format' => 'table']): PropertyList {
    $types = $this->model->groupTypes();
    $count = $this->reader->count($types);
    $standing = $this->sender->standing();
    $reported = \Drupal::database()->query('SELECT MAX(reported) FROM {avc_moodle_sync_guild}')->fetchField();
    $version = fn($module) => $this->modules->getExtensionInfo($module)['version'] ?? '';
    return new PropertyList([
      'module' => 'avc_moodle_sync ' . $version('avc_moodle_sync') . ' is enabled',
      'group' => $version('group') . ' (' . $this->model->membershipType() . ')',
      'types' => implode(', ', $types),
      'guilds' => $count['guilds'],
      'members' => $count['members'],
      'key' => $this->credentials->hasKey() ? 'yes' : 'none; drush avc-moodle:key makes one',
      'read' => $this->when($this->state->get('avc_moodle_sync.seen')),
      'reported' => $this->when($reported),
      'rollbook' => $standing['connected'] ? $this->configFactory->get('avc_moodle_sync.settings')->get('rollbook_url') : 'no address or no secret; drush avc-moodle:connect URL',
      'waiting' => $standing['waiting'] . ($standing['oldest'] ? ', the oldest since ' . $this->when($standing['oldest']) : ''),
      'failed' => $standing['failed'],
      'sent' => $this->when($standing['sent']),
      'error' => $standing['error'] ?: 'none',
      'cursor' => $this->changes->now(),
    ]);
  }

  /**
   * Lists guilds, and what became of them in Moodle.
   */
  #[CLI\Command(name: 'avc-guilds:list')]
  #[CLI\Option(name: 'type', description: 'Only groups of this type.')]
  #[CLI\FieldLabels(labels: [
    'id' => 'Id',
    'uuid' => 'UUID',
    'type' => 'Type',
    'label' => 'Label',
    'machine_name' => 'Machine name',
    'published' => 'Published',
    'members' => 'Members',
    'cohort' => 'Cohort',
    'in_step' => 'In step',
    'state' => 'State',
    'synced' => 'Last sync',
  ])]
  #[CLI\DefaultTableFields(fields: ['id', 'label', 'machine_name', 'members', 'cohort', 'in_step', 'state'])]
  #[CLI\FilterDefaultField(field: 'label')]
  #[CLI\Usage(name: 'drush avc-guilds:list --type=guild', description: 'List the guilds of one type.')]
  #[CLI\Usage(name: 'drush avc-guilds:list --format=json --fields=*', description: 'List all, for a program.')]
  public function guilds(array $options = ['format' => 'table', 'type' => self::REQ]): RowsOfFields {
    $types = $this->model->groupTypes();
    if ($options['type'] !== NULL && !in_array($options['type'], $types, TRUE)) {
      throw new \InvalidArgumentException("The group type {$options['type']} is not there, or its groups are not guilds; there are: " . implode(', ', $types));
    }
    $rows = [];
    $after = 0;
    while ($guilds = $this->reader->guilds($options['type'] === NULL ? $types : [$options['type']], NULL, $after, 1000)) {
      $after = end($guilds)['id'];
      $known = $this->reports->of(array_column($guilds, 'id'));
      foreach ($guilds as $guild) {
        $report = $known[$guild['id']] ?? NULL;
        $rows[] = [
          'published' => $guild['published'] ? 'yes' : 'no',
          'cohort' => $report ? ($report->cohort_idnumber ?: $report->cohort_name) : '',
          'in_step' => $report?->in_step,
          'state' => $report?->state ?? '',
          'synced' => $this->when($report?->synced),
        ] + $guild;
      }
    }
    return new RowsOfFields($rows);
  }

  /**
   * Makes a new key for reading and prints it; the old one ends.
   */
  #[CLI\Command(name: 'avc-moodle:key')]
  #[CLI\Usage(name: 'drush avc-moodle:key > avc.key', description: 'Put it into a file that only Rollbook can read.')]
  public function key(): void {
    $this->output()->writeln($this->credentials->makeKey());
  }

  /**
   * Sets Rollbook's address, and prints the secret of events when it is new.
   */
  #[CLI\Command(name: 'avc-moodle:connect')]
  #[CLI\Argument(name: 'url', description: 'As in https://rollbook.example.org')]
  #[CLI\Option(name: 'new-secret', description: 'Make a new secret; the old one ends.')]
  #[CLI\Usage(name: 'drush avc-moodle:connect https://rollbook.example.org > avc.secret', description: 'Connect, and keep the secret.')]
  public function connect(string $url, array $options = ['new-secret' => FALSE]): void {
    if (!SettingsForm::isAddress($url)) {
      throw new \InvalidArgumentException('The address begins with https://; http:// is for this machine only.');
    }
    $this->configFactory->getEditable('avc_moodle_sync.settings')->set('rollbook_url', rtrim($url, '/'))->save();
    if (Settings::get('avc_moodle_sync_secret')) {
      $this->logger()->notice('The secret is in settings.php.');
    }
    elseif ($options['new-secret'] || $this->credentials->secret() === '') {
      $secret = Crypt::randomBytesBase64(32);
      $this->credentials->setSecret($secret);
      $this->output()->writeln($secret);
    }
    else {
      $this->logger()->notice('The secret stays as it is; --new-secret makes another.');
    }
  }

  /**
   * Sends the events that wait, now.
   */
  #[CLI\Command(name: 'avc-moodle:send')]
  public function send(): void {
    $sent = $this->sender->send(60, TRUE);
    $standing = $this->sender->standing();
    $this->logger()->notice("$sent sent, {$standing['waiting']} wait, {$standing['failed']} failed. {$standing['error']}");
  }

  /**
   * A time in words that sort.
   */
  protected function when(int|string|null $time): string {
    return $time ? gmdate('Y-m-d H:i:s', (int) $time) . ' UTC' : 'never';
  }

}
