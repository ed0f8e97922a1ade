<?php
// This file is part of local_rollbook, Rollbook's companion for Moodle.
//
// It is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as
// published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.
// It comes without any warranty; see the license at <https://www.gnu.org/licenses/>.

/**
 * English.
 *
 * @package local_rollbook
 * @license https://www.gnu.org/licenses/gpl-3.0.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$string['account'] = 'Account';
$string['actionextend'] = 'Let the older token use this plugin';
$string['actionrenew'] = 'End the token and make a new one';
$string['actionsetup'] = 'Do this and make a token';
$string['actiontest'] = 'Send a test message';
$string['allowassign'] = 'Roles that Rollbook may give (allow role assignments)';
$string['began'] = 'Began';
$string['busy'] = 'Another call of this function is under way. Try again in a moment.';
$string['callcount'] = 'Calls';
$string['calls'] = 'Calls';
$string['changes'] = 'Changes by others';
$string['changeswaiting'] = '{$a->count} changes wait to be sent, the oldest since {$a->oldest}.';
$string['did'] = 'Rollbook: {$a}';
$string['done'] = 'Done';
$string['events'] = 'Tell Rollbook of changes';
$string['events_desc'] = 'Completions, and what others change in accounts, enrolments and cohorts, are sent to Rollbook within a minute by Moodle\'s cron. Without it Rollbook sees them at its next run.';
$string['eventsoff'] = 'Changes are not sent: the address or the secret is missing, or sending is switched off. Rollbook can still ask for them.';
$string['eventson'] = 'Changes are sent as they happen.';
$string['extended'] = 'The service and the role "rollbook" may use this plugin\'s functions now. Its token stays as it is.';
$string['extendwhy'] = 'There is a service "rollbook" that was made by the set-up script, with a token that Rollbook may already use. It can be allowed to use this plugin, too.';
$string['failed'] = 'Failed';
$string['function'] = 'Function';
$string['items'] = 'Items';
$string['keepdays'] = 'Keep changes for';
$string['keepdays_desc'] = 'Days after which changes are forgotten, sent or not.';
$string['keytoolong'] = 'A key may have {$a} characters.';
$string['last'] = 'Last';
$string['lastcall'] = 'Rollbook was here last: {$a}';
$string['lastsent'] = 'Sent last: {$a}';
$string['link'] = 'Link';
$string['message'] = 'Message';
$string['missingaccount'] = 'An account for Rollbook, which cannot sign in by browser, is made.';
$string['missingidentity'] = 'Mail addresses are among the identity fields that may be shown to those who have the right.';
$string['missingrest'] = 'The REST protocol is switched on.';
$string['missingrole'] = 'The account gets the role Rollbook.';
$string['missingsuspended'] = 'Whether an account is suspended is no longer hidden from those who have the right.';
$string['missingtoken'] = 'A token is made.';
$string['missingwebservices'] = 'Web services are switched on.';
$string['nochanges'] = 'Nothing waits to be sent.';
$string['noruns'] = 'Rollbook has not told of a run yet.';
$string['notextended'] = 'There is no service and role "rollbook" that was made by hand or by the set-up script.';
$string['nothinghere'] = 'Rollbook keeps no enrolment in this course.';
$string['owned'] = 'Kept by Rollbook';
$string['participants'] = 'Rollbook keeps {$a} of these enrolments: see what the source says';
$string['pluginname'] = 'Rollbook';
$string['privacy:change'] = 'Changes that Rollbook is told of; forgotten after some days.';
$string['privacy:change:courseid'] = 'The course that it concerns.';
$string['privacy:change:kind'] = 'Completion, account, enrolment or membership of a cohort.';
$string['privacy:change:timecreated'] = 'When it happened.';
$string['privacy:change:userid'] = 'The person that it concerns.';
$string['privacy:change:what'] = 'What happened.';
$string['privacy:key'] = 'Answers to calls of Rollbook, kept for 30 days so that a repeat changes nothing twice.';
$string['privacy:key:result'] = 'The answer, with the account or enrolment that it is about.';
$string['privacy:key:timecreated'] = 'When the call was.';
$string['privacy:mark'] = 'What Rollbook keeps in step, and what it says about it.';
$string['privacy:mark:courseid'] = 'The course of an enrolment.';
$string['privacy:mark:did'] = 'What Rollbook did last.';
$string['privacy:mark:link'] = 'The link between two systems that it belongs to.';
$string['privacy:mark:says'] = 'What the source, such as the HR system, says.';
$string['privacy:mark:story'] = 'Where Rollbook tells more.';
$string['privacy:mark:timemodified'] = 'When it was last in step.';
$string['privacy:mark:userid'] = 'The person that it concerns.';
$string['privacy:rollbook'] = 'Rollbook, which keeps this site in step with an HR system and a community, reads and changes accounts, enrolments, completions and memberships of cohorts.';
$string['privacy:rollbook:account'] = 'Names, user name, mail address and ID number.';
$string['privacy:rollbook:completions'] = 'Courses that the person completed, and when.';
$string['privacy:rollbook:enrolments'] = 'Courses in which the person is, and by which method.';
$string['privacy:rollbook:memberships'] = 'Cohorts and roles of the person.';
$string['privacy:rollbook:userid'] = 'The number of the account.';
$string['roledescription'] = 'What Rollbook\'s account may do, and nothing else. Made by the plugin Rollbook.';
$string['rolename'] = 'Rollbook';
$string['rollbook:cohorts'] = 'Read and change cohorts by web service, for Rollbook';
$string['rollbook:enrol'] = 'Change enrolments by web service, for Rollbook';
$string['rollbook:readpeople'] = 'Read accounts, enrolments and completions by web service, for Rollbook';
$string['rollbook:roles'] = 'Read and change role assignments by web service, for Rollbook';
$string['rollbook:use'] = 'Use the plugin\'s web services, for Rollbook';
$string['rollbook:viewnotes'] = 'See what Rollbook says about people and courses';
$string['rollbook:writeaccounts'] = 'Make and change accounts by web service, for Rollbook';
$string['runs'] = 'Runs';
$string['runstate'] = 'State';
$string['says'] = 'The source says: {$a}';
$string['secret'] = 'Secret';
$string['secret_desc'] = 'Changes are signed with it. Rollbook\'s configuration needs the same one.';
$string['senderror'] = 'Sending fails: {$a}. It is tried again.';
$string['settings'] = 'Settings';
$string['setup'] = 'Set-up';
$string['setupdone'] = 'Role, account, service and token are there.';
$string['setupmissing'] = 'Before Rollbook can call, this is to be done:';
$string['since'] = 'Last in step: {$a}';
$string['status'] = 'Status and set-up';
$string['story'] = 'The whole story';
$string['taskcleanup'] = 'Forget old changes, keys and runs';
$string['tasksweep'] = 'See that changes are sent';
$string['testdone'] = 'Rollbook took the test message.';
$string['testfailed'] = 'Rollbook did not take the test message: {$a}';
$string['tokenfile'] = 'moodle.token, a file that only Rollbook can read:
{$a}';
$string['tokenmade'] = 'The token is below. Copy it now; it is not shown again.';
$string['toomany'] = 'A call may ask for {$a->max}; this one asks for {$a->count}.';
$string['url'] = 'Rollbook\'s address';
$string['url_desc'] = 'Where Moodle reaches Rollbook, such as http://rollbook.example.org:8080.';
$string['waiting'] = 'Waiting';
$string['weburl'] = 'Rollbook\'s address for people';
$string['weburl_desc'] = 'Where people reach Rollbook\'s pages, if not at the address above. Stories are linked there.';
