-- The tables that reports written for the original plugin read: its columns, its types, its words.
-- Ids that are no whole number of at most 18 digits give 0, as its own cast did.
CREATE VIEW local_psaelmsync_logs AS
SELECT
    id,
    fingerprint AS sha256hash,
    CASE WHEN record_id ~ '^[0-9]{1,18}$' THEN CAST(record_id AS BIGINT) ELSE COALESCE(created_ms, 0) END AS record_id,
    date_created AS record_date_created,
    course_id,
    CASE WHEN course ~ '^[0-9]{1,18}$' THEN CAST(course AS BIGINT) ELSE 0 END AS elm_course_id,
    CASE WHEN course_name = '' THEN 'Not found!' ELSE course_name END AS course_name,
    short_name AS class_code,
    user_id,
    first_name AS user_firstname,
    last_name AS user_lastname,
    guid AS user_guid,
    mail AS user_email,
    CASE WHEN enrolment_id ~ '^[0-9]{1,18}$' THEN CAST(enrolment_id AS BIGINT) ELSE 0 END AS elm_enrolment_id,
    action,
    status,
    at_ms / 1000 AS timestamp
FROM record
WHERE code <> 'received';

CREATE VIEW local_psaelmsync_runs AS
SELECT
    number AS id,
    url AS apiurl,
    started_ms AS starttime,
    ended_ms AS endtime,
    records AS recordcount,
    enrolled AS enrolcount,
    suspended AS suspendcount,
    errors AS errorcount,
    skipped AS skippedcount
FROM run
WHERE flow = 'intake' AND kind <> 'dry_run' AND ended_ms IS NOT NULL;
