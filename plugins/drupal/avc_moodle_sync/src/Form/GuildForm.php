<?php

namespace Drupal\avc_moodle_sync\Form;

use Drupal\Core\Datetime\DateFormatterInterface;
use Drupal\Core\Form\FormBase;
use Drupal\Core\Form\FormStateInterface;
use Drupal\Core\Link;
use Drupal\Core\Url;
use Drupal\avc_moodle_sync\Access\GuildAccess;
use Drupal\avc_moodle_sync\EventQueue;
use Drupal\avc_moodle_sync\GuildReports;
use Drupal\group\Entity\GroupInterface;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * What became of a guild in Moodle, and a button that asks for a sync of it.
 */
class GuildForm extends FormBase {

  public function __construct(
    protected GuildReports $reports,
    protected EventQueue $events,
    protected DateFormatterInterface $dates,
  ) {}

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container) {
    return new static(
      $container->get('avc_moodle_sync.reports'),
      $container->get('avc_moodle_sync.events'),
      $container->get('date.formatter'),
    );
  }

  /**
   * {@inheritdoc}
   */
  public function getFormId() {
    return 'avc_moodle_sync_guild';
  }

  /**
   * {@inheritdoc}
   */
  public function buildForm(array $form, FormStateInterface $form_state, ?GroupInterface $group = NULL) {
    $form_state->set('group', $group);
    $known = $this->reports->of([$group->id()])[$group->id()] ?? NULL;
    $ask = GuildAccess::check($group, $this->currentUser(), 'ask for moodle sync');
    $form['#cache'] = [
      'tags' => [GuildReports::tag((int) $group->id()), 'config:avc_moodle_sync.settings'],
      'contexts' => ['user.permissions', 'user.group_permissions'],
      // Times are shown as so long ago.
      'max-age' => 60,
    ];
    if (!$known || !$known->reported) {
      $form['none'] = ['#plain_text' => $this->t('Rollbook has not reported anything of this guild yet.')];
    }
    else {
      $form['facts'] = ['#type' => 'table', '#rows' => []];
      foreach ($this->facts($known) as [$label, $value]) {
        $form['facts']['#rows'][] = [['data' => $label, 'header' => TRUE], ['data' => $value]];
      }
    }
    if ($ask->isAllowed() && $this->events->address() !== '') {
      $form['actions'] = ['#type' => 'actions'];
      $form['actions']['ask'] = [
        '#type' => 'submit',
        '#value' => $this->t('Sync this guild now'),
      ];
    }
    if ($known && $known->asked > max($known->synced, $this->now() - 3600)) {
      $form['asked'] = ['#plain_text' => $this->t('A sync was asked for @ago ago.', ['@ago' => $this->ago($known->asked)])];
    }
    return $form;
  }

  /**
   * What Rollbook reported, in words.
   */
  protected function facts(object $known): array {
    $cohort = $known->cohort_name !== '' ? $known->cohort_name : $known->cohort_idnumber;
    if ($cohort !== '' && $known->cohort_url !== '') {
      $cohort = Link::fromTextAndUrl($cohort, Url::fromUri($known->cohort_url));
    }
    $state = [
      'in_step' => $this->t('In step'),
      'waiting' => $this->t('Changes wait for the next run'),
      'held' => $this->t('Changes wait for an approval'),
      'failed' => $this->t('The last sync failed'),
      'archived' => $this->t('The cohort is archived'),
    ][$known->state] ?? $known->state;
    return array_filter([
      [$this->t('Cohort'), $cohort === '' ? $this->t('none yet') : $cohort],
      $known->members === NULL ? NULL : [
        $this->t('Members in step'),
        $this->t('@in_step of @members', ['@in_step' => $known->in_step ?? 0, '@members' => $known->members]),
      ],
      [$this->t('State'), $state],
      $known->message === '' ? NULL : [$this->t('Rollbook says'), $known->message],
      [$this->t('Last sync'), $known->synced ? $this->t('@ago ago', ['@ago' => $this->ago($known->synced)]) : $this->t('never')],
    ]);
  }

  /**
   * How long ago a time is.
   */
  protected function ago(int|string $time): string {
    return (string) $this->dates->formatTimeDiffSince((int) $time);
  }

  /**
   * The time of the request.
   */
  protected function now(): int {
    return $this->getRequest()->server->get('REQUEST_TIME', time());
  }

  /**
   * {@inheritdoc}
   */
  public function submitForm(array &$form, FormStateInterface $form_state) {
    $group = $form_state->get('group');
    $account = $this->currentUser();
    if (!GuildAccess::check($group, $account, 'ask for moodle sync')->isAllowed()) {
      $this->messenger()->addError($this->t('You may not ask for a sync of this guild.'));
    }
    elseif ($this->reports->ask((int) $group->id(), (int) $account->id())) {
      $this->events->guild('sync_asked', (int) $group->id(), ['uuid' => $group->uuid(), 'type' => $group->bundle(), 'by' => (int) $account->id()]);
      $this->messenger()->addStatus($this->t('Rollbook is asked to bring this guild in step.'));
    }
    else {
      $this->messenger()->addWarning($this->t('A sync was asked for a moment ago.'));
    }
  }

}
