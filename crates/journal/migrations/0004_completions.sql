-- Completions on their way from Moodle to the ELM. The reports themselves are rows of the outbox, of the kind 'completion'.

-- How a completions link stands, beside its lease.
CREATE TABLE completion_link (
    link TEXT NOT NULL PRIMARY KEY REFERENCES link (name),
    -- When the opt-ins were looked at last.
    checked_ms BIGINT NULL,
    -- Up to which completion time the database was read, and when it was read whole.
    covered_ms BIGINT NULL,
    full_ms BIGINT NULL,
    -- How the ELM stands with us, as JSON.
    circuit TEXT NOT NULL DEFAULT '{}'
);

-- A course that has opted in, now or before.
CREATE TABLE opted_course (
    link TEXT NOT NULL,
    course_id BIGINT NOT NULL,
    course TEXT NULL,
    name TEXT NOT NULL,
    opted_ms BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL DEFAULT 0,
    scanned_from_ms BIGINT NULL,
    PRIMARY KEY (link, course_id)
);

-- A completion that was seen in an opted-in course, and what became of it.
CREATE TABLE completion (
    id {serial},
    link TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    course_id BIGINT NOT NULL,
    completed_ms BIGINT NOT NULL,
    seen_by TEXT NOT NULL,
    guid TEXT NOT NULL,
    guid_fold TEXT NOT NULL,
    mail TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    -- The course's ID number when it was seen.
    course TEXT NULL,
    -- waiting (for a human), skipped (until settings change), reported (it has a row in the outbox), marked (reported elsewhere)
    state TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    -- The enrolment id that a person supplied.
    supplied TEXT NULL,
    outbox BIGINT NULL,
    seen_ms BIGINT NOT NULL,
    accepted_ms BIGINT NULL,
    UNIQUE (link, user_id, course_id, completed_ms)
);
CREATE INDEX completion_of_person ON completion (guid_fold, course, id);
CREATE INDEX completion_open ON completion (link, state, id) WHERE state IN ('waiting', 'skipped');
CREATE INDEX completion_sent ON completion (outbox) WHERE outbox IS NOT NULL;
CREATE INDEX completion_newest ON completion (link, completed_ms, id);

-- Whom the web services were asked about, and when last.
CREATE TABLE completion_look (
    link TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    course_id BIGINT NOT NULL,
    looked_ms BIGINT NOT NULL,
    PRIMARY KEY (link, user_id, course_id)
);

-- A pushed event that was believed: it wakes one check. Its signature is refused from then on.
CREATE TABLE completion_event (
    signature TEXT NOT NULL PRIMARY KEY,
    link TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    course_id BIGINT NOT NULL,
    checked_ms BIGINT NULL
);
CREATE INDEX completion_event_open ON completion_event (link, at_ms) WHERE checked_ms IS NULL;

-- What a person decided to ignore is not asked again.
CREATE INDEX attention_ignored ON attention (link, kind, subject) WHERE action = 'ignore';
