<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * Does what the plugin's page does: makes account and token, and prints the token alone.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

define('CLI_SCRIPT', true);

require(__DIR__ . '/../../../config.php');
require_once($CFG->libdir . '/clilib.php');

use local_rollbook\local\setup;

[$options, $unknown] = cli_get_params(
    ['help' => false, 'renew' => false, 'ip' => '', 'check' => false, 'extend' => ''],
    ['h' => 'help']
);
if ($unknown || $options['help']) {
    cli_writeln('php local/rollbook/cli/setup.php [options]

  --renew         end the tokens that there are and make a new one
  --ip=LIST       addresses or subnets from which a new token is taken [any]
  --check         change nothing; say what is missing, and end with 1 if anything is
  --extend=NAME   instead: let the service and role NAME, made before, use the plugin\'s functions too');
    exit($unknown ? 2 : 0);
}
if ($options['extend']) {
    exit(setup::extend((string) $options['extend']) ? 0 : 1);
}
if ($options['check']) {
    $missing = setup::missing();
    array_map('cli_writeln', $missing);
    exit($missing ? 1 : 0);
}
\core\session\manager::set_user(get_admin());
cli_writeln(setup::run((bool) $options['renew'], (string) $options['ip']));
