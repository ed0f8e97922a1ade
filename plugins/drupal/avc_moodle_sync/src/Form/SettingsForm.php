<?php

namespace Drupal\avc_moodle_sync\Form;

use Drupal\Component\Utility\Crypt;
use Drupal\Component\Utility\UrlHelper;
use Drupal\Core\Form\ConfigFormBase;
use Drupal\Core\Form\FormStateInterface;
use Drupal\Core\Site\Settings;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * Where Rollbook is, which groups are guilds, keys, and what waits to be sent.
 */
class SettingsForm extends ConfigFormBase {

  /**
   * The key and the secret.
   *
   * @var \Drupal\avc_moodle_sync\Credentials
   */
  protected $credentials;

  /**
   * The sender of events.
   *
   * @var \Drupal\avc_moodle_sync\EventSender
   */
  protected $sender;

  /**
   * Entity types.
   *
   * @var \Drupal\Core\Entity\EntityTypeManagerInterface
   */
  protected $entityTypeManager;

  /**
   * Where groups are.
   *
   * @var \Drupal\avc_moodle_sync\GroupModel
   */
  protected $model;

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container) {
    $form = parent::create($container);
    $form->credentials = $container->get('avc_moodle_sync.credentials');
    $form->sender = $container->get('avc_moodle_sync.sender');
    $form->model = $container->get('avc_moodle_sync.model');
    $form->entityTypeManager = $container->get('entity_type.manager');
    return $form;
  }

  /**
   * {@inheritdoc}
   */
  public function getFormId() {
    return 'avc_moodle_sync_settings';
  }

  /**
   * {@inheritdoc}
   */
  protected function getEditableConfigNames() {
    return ['avc_moodle_sync.settings'];
  }

  /**
   * {@inheritdoc}
   */
  public function buildForm(array $form, FormStateInterface $form_state) {
    $config = $this->config('avc_moodle_sync.settings');
    $standing = $this->sender->standing();
    $form['standing'] = [
      '#type' => 'item',
      '#title' => $this->t('Events'),
      '#plain_text' => $standing['connected']
        ? $this->t('@waiting wait, @failed failed. @error', ['@waiting' => $standing['waiting'], '@failed' => $standing['failed'], '@error' => $standing['error']])
        : $this->t('Events are not sent: the address of Rollbook or the secret is missing.'),
    ];
    $form['rollbook_url'] = [
      '#type' => 'url',
      '#title' => $this->t('Address of Rollbook'),
      '#description' => $this->t('As in https://rollbook.example.org. Without it guilds are read, and no events are sent.'),
      '#default_value' => $config->get('rollbook_url'),
    ];
    $form['send_at_once'] = [
      '#type' => 'checkbox',
      '#title' => $this->t('Send events when the response has gone out; otherwise by cron'),
      '#default_value' => $config->get('send_at_once'),
    ];
    $types = array_map(fn($type) => $type->label(), $this->entityTypeManager->getStorage('group_type')->loadMultiple());
    $form['group_types'] = [
      '#type' => 'checkboxes',
      '#title' => $this->t('Group types whose groups are guilds'),
      '#description' => $this->t('All, where none is chosen.'),
      '#options' => $types,
      '#default_value' => array_intersect($config->get('group_types'), array_keys($types)),
    ];
    $form['machine_name_field'] = [
      '#type' => 'textfield',
      '#title' => $this->t("Field that holds a guild's machine name"),
      '#description' => $this->t('As in field_machine_name. Empty where there is none.'),
      '#default_value' => $config->get('machine_name_field'),
    ];
    $fixed = (bool) Settings::get('avc_moodle_sync_secret');
    $form['secret'] = [
      '#type' => 'checkbox',
      '#title' => $this->t('Make a new secret for events, and show it once'),
      '#description' => $fixed ? $this->t('The secret is in settings.php.') : ($this->credentials->secret() === '' ? $this->t('There is none yet.') : $this->t('The old one ends.')),
      '#disabled' => $fixed,
    ];
    $form['key'] = [
      '#type' => 'checkbox',
      '#title' => $this->t('Make a new key for reading, and show it once'),
      '#description' => $this->credentials->hasKey() ? $this->t('The old one ends.') : $this->t('There is none yet; it is not needed with OAuth2.'),
    ];
    return parent::buildForm($form, $form_state);
  }

  /**
   * {@inheritdoc}
   */
  public function validateForm(array &$form, FormStateInterface $form_state) {
    $url = (string) $form_state->getValue('rollbook_url');
    if ($url !== '' && !self::isAddress($url)) {
      $form_state->setErrorByName('rollbook_url', $this->t('The address begins with https://; http:// is for this machine only.'));
    }
    $field = trim((string) $form_state->getValue('machine_name_field'));
    if ($field !== '' && !$this->model->machineName($field)) {
      $form_state->setErrorByName('machine_name_field', $this->t('Groups have no text field @field.', ['@field' => $field]));
    }
    parent::validateForm($form, $form_state);
  }

  /**
   * Whether events may be sent there: they are signed, not secret, but say who is in which guild.
   */
  public static function isAddress(string $url): bool {
    $parts = UrlHelper::isValid($url, TRUE) ? parse_url($url) : FALSE;
    if (!$parts || array_intersect_key($parts, ['query' => 1, 'fragment' => 1, 'user' => 1])) {
      return FALSE;
    }
    return match (strtolower($parts['scheme'])) {
      'https' => TRUE,
      'http' => in_array($parts['host'] ?? '', ['localhost', '127.0.0.1', '[::1]'], TRUE),
      default => FALSE,
    };
  }

  /**
   * {@inheritdoc}
   */
  public function submitForm(array &$form, FormStateInterface $form_state) {
    $this->config('avc_moodle_sync.settings')
      ->set('rollbook_url', rtrim((string) $form_state->getValue('rollbook_url'), '/'))
      ->set('send_at_once', (bool) $form_state->getValue('send_at_once'))
      ->set('group_types', array_values(array_filter($form_state->getValue('group_types'))))
      ->set('machine_name_field', trim((string) $form_state->getValue('machine_name_field')))
      ->save();
    if ($form_state->getValue('key')) {
      $this->messenger()->addWarning($this->t('The key, which is not shown again: @key', ['@key' => $this->credentials->makeKey()]));
    }
    if ($form_state->getValue('secret') && !Settings::get('avc_moodle_sync_secret')) {
      $secret = Crypt::randomBytesBase64(32);
      $this->credentials->setSecret($secret);
      $this->messenger()->addWarning($this->t('The secret of events, which is not shown again: @secret', ['@secret' => $secret]));
    }
    parent::submitForm($form, $form_state);
  }

}
