<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * Set-up and status: the token, whether Rollbook was here, what it did last and what waits.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

require(__DIR__ . '/../../config.php');
require_once($CFG->libdir . '/adminlib.php');

use local_rollbook\local\pages;
use local_rollbook\local\sender;
use local_rollbook\local\setup;
use local_rollbook\local\status;

admin_externalpage_setup('local_rollbook_status');
$url = new moodle_url('/local/rollbook/index.php');
$action = optional_param('action', '', PARAM_ALPHA);
$shown = '';

if ($action !== '' && confirm_sesskey()) {
    switch ($action) {
        case 'setup':
        case 'renew':
            // Shown in this very answer and nowhere else.
            $token = setup::run($action === 'renew');
            $lines = ['[site.learning]', 'kind = "moodle"', "url = \"$CFG->wwwroot\"", 'token = { file = "moodle.token" }', ''];
            $lines[] = get_string('tokenfile', 'local_rollbook', $token);
            $shown = $OUTPUT->notification(get_string('tokenmade', 'local_rollbook'), \core\output\notification::NOTIFY_SUCCESS)
                . html_writer::tag('pre', s(implode("\n", $lines)), ['class' => 'border p-3']);
            break;
        case 'extend':
            $done = setup::extend('rollbook');
            redirect($url, get_string($done ? 'extended' : 'notextended', 'local_rollbook'));
            // The answer ends here.
        case 'test':
            $error = setup::events_on() ? (new sender())->test() : get_string('eventsoff', 'local_rollbook');
            redirect(
                $url,
                $error === '' ? get_string('testdone', 'local_rollbook') : get_string('testfailed', 'local_rollbook', $error),
                null,
                $error === '' ? \core\output\notification::NOTIFY_SUCCESS : \core\output\notification::NOTIFY_ERROR
            );
    }
}

$when = static function (int $time): string {
    return $time ? userdate($time) : get_string('never');
};
$button = static function (string $action) use ($OUTPUT, $url): string {
    $to = new moodle_url($url, ['action' => $action, 'sesskey' => sesskey()]);
    return $OUTPUT->single_button($to, get_string("action$action", 'local_rollbook'), 'post');
};

echo $OUTPUT->header();
echo $OUTPUT->heading(get_string('status', 'local_rollbook'));
echo $shown;

echo $OUTPUT->heading(get_string('setup', 'local_rollbook'), 3);
$missing = setup::missing();
if ($missing) {
    echo html_writer::tag('p', get_string('setupmissing', 'local_rollbook')) . html_writer::alist(array_map('s', $missing));
    echo $button('setup');
} else {
    $assign = new moodle_url('/admin/roles/allow.php', ['mode' => 'assign']);
    echo html_writer::tag('p', get_string('setupdone', 'local_rollbook'));
    echo html_writer::tag('p', html_writer::link($assign, get_string('allowassign', 'local_rollbook')));
    echo $button('renew');
}
if ($DB->record_exists('external_services', ['shortname' => 'rollbook', 'component' => null])) {
    echo html_writer::tag('p', get_string('extendwhy', 'local_rollbook')) . $button('extend');
}

echo $OUTPUT->heading(get_string('calls', 'local_rollbook'), 3);
echo html_writer::tag('p', get_string('lastcall', 'local_rollbook', $when(status::last_call())));
$table = new html_table();
$table->head = array_map(static function (string $name): string {
    return get_string($name, 'local_rollbook');
}, ['function', 'callcount', 'items', 'failed', 'last']);
foreach ($DB->get_records('local_rollbook_call', null, 'timelast DESC') as $call) {
    $table->data[] = [s($call->func), $call->calls, $call->items, $call->failed, $when((int) $call->timelast)];
}
echo $table->data ? html_writer::table($table) : '';

echo $OUTPUT->heading(get_string('runs', 'local_rollbook'), 3);
$table = new html_table();
$table->head = array_map(static function (string $name): string {
    return get_string($name, 'local_rollbook');
}, ['link', 'runstate', 'began', 'done', 'failed', 'waiting', 'message']);
foreach ($DB->get_records('local_rollbook_run', null, 'timebegan DESC, id DESC', '*', 0, 20) as $run) {
    $story = pages::story((string) $run->story);
    $name = s("$run->link ($run->flow)");
    $table->data[] = [
        $story ? html_writer::link($story, $name) : $name, s($run->state), $when((int) $run->timebegan), $run->done, $run->failed,
        $run->waiting, s($run->message),
    ];
}
echo $table->data ? html_writer::table($table) : html_writer::tag('p', get_string('noruns', 'local_rollbook'));

echo $OUTPUT->heading(get_string('changes', 'local_rollbook'), 3);
$waiting = status::waiting();
$lines = [get_string(setup::events_on() ? 'eventson' : 'eventsoff', 'local_rollbook')];
if ($waiting['count']) {
    $lines[] = get_string('changeswaiting', 'local_rollbook', (object) [
        'count' => $waiting['count'], 'oldest' => $when($waiting['oldest']),
    ]);
} else {
    $lines[] = get_string('nochanges', 'local_rollbook');
}
$lines[] = get_string('lastsent', 'local_rollbook', $when((int) get_config('local_rollbook', 'lastsent')));
if ($error = (string) get_config('local_rollbook', 'senderror')) {
    $lines[] = get_string('senderror', 'local_rollbook', $error);
}
echo html_writer::alist(array_map('s', $lines));
if (setup::events_on()) {
    echo $button('test');
}
$settings = new moodle_url('/admin/settings.php', ['section' => 'local_rollbook_settings']);
echo html_writer::tag('p', html_writer::link($settings, get_string('settings', 'local_rollbook')));
echo $OUTPUT->footer();
