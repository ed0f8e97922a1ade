//! The list of cases: what Rollbook believes of Moodle and of a community, each a rule that can be looked at.
//!
//! A case must leave nothing behind that it did not make by [`super::Bench`], and must hold on every version and database
//! that Rollbook supports: where those differ by right, it says what it saw in a note. A new call of the product gets its
//! cases here first. Next: `site.rs`.

mod accounts;
mod completions;
mod courses;
mod database;
mod enrolments;
mod guilds;
mod intake;
mod limits;
mod lookups;
mod participants;
mod races;
mod site;

use super::suite::{Case, Need};
use guilds::{cohorts, community, roles};

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
        separate_groups_hide_nobody [Fixtures],
        both_ways_of_asking_how_people_stand_agree [Fixtures],;
    races:
        one_account_made_twice_at_once_is_one_account [Fixtures],
        two_accounts_of_one_guid_at_once_are_both_made [Fixtures],
        one_enrolment_made_thrice_at_once_is_one [Fixtures],
        crossing_batches_are_done_or_refused_whole [Fixtures],;
    limits:
        as_many_variables_are_read_as_are_sent [],
        a_batch_past_phps_limit_is_refused_as_a_whole [Fixtures],;
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
    cohorts:
        a_cohort_is_as_it_was_sent_and_found_in_its_context [Fixtures],
        a_taken_cohort_idnumber_rolls_the_batch_back [Fixtures],
        an_update_may_double_an_idnumber_and_hides_a_cohort [Fixtures],
        a_cohorts_texts_have_their_limits [Fixtures],
        a_member_who_cannot_be_added_costs_only_a_warning [Fixtures],
        leaving_is_all_or_nothing_and_nobody_need_be_in [Fixtures],
        a_deleted_account_leaves_its_cohorts_and_cannot_be_removed [Fixtures],
        one_unknown_cohort_loses_no_other_its_members [Fixtures],
        rights_are_told_by_what_is_always_refused [],
        a_token_without_rights_may_make_no_cohort_and_give_no_role [WeakToken],;
    roles:
        a_role_given_twice_is_there_once_and_goes_once [Fixtures GuildRole Database],
        a_role_that_does_not_belong_there_undoes_the_call [Fixtures GuildRole Database],
        a_role_for_nobody_undoes_the_call [Fixtures GuildRole Database],;
    guilds:
        guilds_become_cohorts_and_a_second_run_writes_nothing [Fixtures],
        guilds_with_the_database_do_the_same [Fixtures Database],
        a_dry_run_shows_what_the_run_then_does [Fixtures],
        leavers_and_blocked_members_go_and_a_renamed_guild_keeps_its_cohort [Fixtures],
        one_guild_and_one_person_are_synchronised_alone [Fixtures],
        a_deleted_guild_is_archived [Fixtures],
        a_community_that_shows_nobody_removes_nobody [Fixtures],
        many_leavers_wait_for_an_approval [Fixtures],
        a_cohort_made_by_hand_is_left_alone_until_it_may_be_adopted [Fixtures],
        a_member_without_account_gets_one_when_told_to [Fixtures],
        a_role_comes_and_goes_with_the_guilds_that_give_it [Fixtures GuildRole Database],
        the_doctor_finds_nothing_bad_for_guilds [Fixtures],;
    community:
        a_community_says_who_is_reading_and_shows_its_guilds [Community],
        a_wrong_login_is_answered_like_any_and_found_out [Community],
        a_wrong_secret_is_denied [BothLogins],
        an_account_without_rights_is_shown_nobody_and_nothing_is_concluded [Community WeakMember],
        a_password_and_a_token_show_the_same [BothLogins],
        pages_and_tables_give_the_same_snapshot [Community CommunityDatabase],
        a_person_is_found_by_number_name_and_address [Community],
        a_guild_that_never_was_counts_as_deleted [Community],
        the_doctor_finds_nothing_bad_in_a_community [Community],
        its_guilds_become_cohorts [Fixtures Community],;
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
