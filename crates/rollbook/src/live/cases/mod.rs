//! The list of cases: what Rollbook believes of Moodle, each a rule that can be looked at.
//!
//! A case must leave nothing behind that it did not make by [`super::Bench`], and must hold on every version and database
//! that Rollbook supports: where those differ by right, it says what it saw in a note. A new call of the product gets its
//! cases here first. Next: `site.rs`.

mod accounts;
mod completions;
mod courses;
mod database;
mod enrolments;
mod intake;
mod limits;
mod lookups;
mod participants;
mod races;
mod site;

use super::suite::{Case, Need};

macro_rules! cases {
    ($($area:ident: $($name:ident [$($need:ident)*],)*;)*) => {
        /// Every case, cheapest first.
        pub fn cases() -> Vec<Case> {
            vec![$($(Case {
                area: stringify!($area),
                name: stringify!($name),
                needs: &[$(Need::$need),*],
                run: |bench| Box::pin($area::$name(bench)),
            },)*)*]
        }
    };
}

cases! {
    site:
        the_site_says_who_it_is_and_offers_what_intake_calls [],
        a_wrong_token_is_denied [],
        a_function_outside_the_service_is_denied [],
        the_token_proves_its_sight [],
        trying_what_is_always_refused_tells_the_rights_and_changes_nothing [Fixtures],
        a_token_without_rights_sees_nothing_and_is_told_nothing [Fixtures WeakToken],
        a_token_without_rights_is_refused_every_write [Fixtures WeakToken],
        a_token_without_rights_is_found_out [WeakToken],;
    lookups:
        an_account_is_found_by_every_field_and_shown_with_every_field [Fixtures],
        unknown_values_are_left_out_and_the_rest_comes_by_id [Fixtures],
        guids_are_compared_as_the_database_compares [Fixtures],
        one_guid_may_have_several_accounts [Fixtures],
        a_suspended_account_is_shown_as_such [Fixtures],
        a_deleted_account_is_found_by_id_alone_and_looks_deleted [Fixtures],
        an_unclean_value_spoils_only_itself [Fixtures],;
    accounts:
        new_accounts_are_as_they_were_sent_and_answered_in_order [Fixtures],
        one_bad_account_rolls_the_batch_back_and_halving_finds_it [Fixtures],
        user_names_keep_to_moodles_rule [Fixtures],
        a_taken_mail_address_is_refused_in_any_case_of_letters [Fixtures],
        a_taken_guid_is_accepted [Fixtures],
        odd_addresses_and_names_are_accepted [Fixtures],
        tags_and_overlong_values_are_refused [Fixtures],
        what_a_deleted_account_had_is_free_again [Fixtures],;
    courses:
        a_course_is_found_by_idnumber_with_its_text_as_stored [Fixtures],
        leading_zeros_count_and_an_empty_idnumber_is_no_course [Fixtures],
        a_hidden_course_is_found_and_takes_enrolments [Fixtures],
        an_unknown_id_in_a_list_is_found_out [Fixtures],
        the_front_page_takes_no_manual_enrolments [Fixtures],;
    enrolments:
        a_repeated_enrolment_changes_nothing [Fixtures],
        suspending_and_activating_go_round [Fixtures],
        suspending_somebody_not_enrolled_makes_a_suspended_enrolment [Fixtures],
        an_unknown_account_rolls_the_batch_back_and_halving_finds_it [Fixtures],
        a_deleted_account_is_refused [Fixtures],
        an_account_suspended_for_the_site_can_be_enrolled [Fixtures],
        an_unknown_course_is_refused [Fixtures],
        a_role_that_may_not_be_given_is_refused [Fixtures],
        an_enrolment_without_dates_wipes_dates [Fixtures],;
    participants:
        active_and_suspended_are_listed_apart [Fixtures],
        a_listing_shows_who_people_are_and_their_roles [Fixtures],
        an_unknown_course_has_no_listing [],
        a_persons_own_list_lacks_suspended_and_hidden_courses [Fixtures],
        how_people_stand_in_a_hidden_course_is_told_all_the_same [Fixtures],
        both_ways_of_asking_how_people_stand_agree [Fixtures],;
    races:
        one_account_made_twice_at_once_is_one_account [Fixtures],
        two_accounts_of_one_guid_at_once_are_both_made [Fixtures],
        one_enrolment_made_thrice_at_once_is_one [Fixtures],
        crossing_batches_are_done_or_refused_whole [Fixtures],;
    limits:
        values_past_phps_limit_are_dropped_in_silence [],
        enrolments_past_phps_limit_are_lost_in_silence [Fixtures],
        an_item_cut_by_phps_limit_undoes_the_call [Fixtures],;
    database:
        an_enrolment_without_dates_wipes_them_in_the_table [Fixtures Database],
        the_database_and_the_web_services_agree_how_people_stand [Fixtures Database],
        the_database_tells_default_roles_and_administrators [Fixtures Database],;
    intake:
        the_feed_becomes_accounts_enrolments_and_mails [Fixtures],
        a_second_run_writes_nothing [Fixtures],
        a_dry_run_changes_nothing [Fixtures],
        a_suspension_and_a_return_reach_moodle [Fixtures],
        a_leaver_of_a_hidden_course_is_suspended [Fixtures],
        a_suspension_never_makes_an_account_or_an_enrolment [Fixtures],
        doubt_about_who_is_who_is_left_to_people [Fixtures],
        a_missing_course_is_waited_for [Fixtures],
        intake_with_the_database_does_the_same [Fixtures Database],
        the_doctor_finds_nothing_bad [Fixtures],;
    completions:
        a_course_tells_whether_it_opted_in [Fixtures Completer],
        a_completion_is_told_with_the_time_of_its_criterion [Fixtures Completer],
        who_is_not_in_the_course_and_what_has_no_criteria_has_a_code [Fixtures Completer],
        the_completion_of_a_hidden_course_is_told_to_who_asks_for_it [Fixtures Completer],
        polling_reports_each_completion_once [Fixtures Completer],
        polling_finds_those_of_a_hidden_course_among_several [Fixtures Completer],
        a_pushed_event_is_looked_into_and_proves_nothing [Fixtures Completer],
        the_database_reports_each_completion_once [Fixtures Database Completer],
        the_database_sees_who_was_suspended_since [Fixtures Database Completer],
        all_ways_together_report_a_completion_once [Fixtures Database Completer],;
}
