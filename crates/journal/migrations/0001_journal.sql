-- The journal. One text for both engines; {serial} is the only word that differs.
-- Every time is unix milliseconds (BIGINT), every id of a run a UUID v7 as text, every JSON a text.

CREATE TABLE link (
    name TEXT NOT NULL PRIMARY KEY,
    created_ms BIGINT NOT NULL,
    -- Up to which record creation time the feed is covered; moves only with the records that it covers.
    watermark_ms BIGINT NULL,
    paused_ms BIGINT NULL,
    paused_by TEXT NOT NULL DEFAULT '',
    paused_why TEXT NOT NULL DEFAULT ''
);

-- One row per link for ever: the fence only grows. A row without holder is free.
CREATE TABLE lease (
    link TEXT NOT NULL PRIMARY KEY REFERENCES link (name),
    holder TEXT NULL,
    fence BIGINT NOT NULL,
    acquired_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);

-- What a run came to: a projection beside its events.
CREATE TABLE run (
    number {serial},
    id TEXT NOT NULL UNIQUE,
    link TEXT NOT NULL REFERENCES link (name),
    flow TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    author TEXT NOT NULL,
    url TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT NULL,
    covered_from_ms BIGINT NULL,
    covered_to_ms BIGINT NULL,
    records BIGINT NOT NULL DEFAULT 0,
    enrolled BIGINT NOT NULL DEFAULT 0,
    suspended BIGINT NOT NULL DEFAULT 0,
    errors BIGINT NOT NULL DEFAULT 0,
    skipped BIGINT NOT NULL DEFAULT 0,
    waiting BIGINT NOT NULL DEFAULT 0,
    accounts BIGINT NOT NULL DEFAULT 0,
    mails BIGINT NOT NULL DEFAULT 0,
    calls BIGINT NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX run_of_link ON run (link, number);
CREATE INDEX run_by_start ON run (link, started_ms);
CREATE INDEX run_open ON run (link) WHERE state = 'running';

-- Append-only: 0002 refuses every change, and every removal that retention did not announce.
CREATE TABLE event (
    id {serial},
    run TEXT NULL,
    link TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    author TEXT NOT NULL DEFAULT '',
    record TEXT NULL,
    guid_fold TEXT NULL,
    course TEXT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX event_of_run ON event (run, id);
CREATE INDEX event_of_person ON event (guid_fold, course, id) WHERE guid_fold IS NOT NULL;
CREATE INDEX event_of_author ON event (link, id) WHERE author <> '';

-- The horizon that 0002 holds removals against; empty but while retention is at work.
CREATE TABLE retention (
    before_ms BIGINT NOT NULL
);

-- What waits for a human. At most one is open for a link, kind and subject.
CREATE TABLE attention (
    id {serial},
    link TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    title TEXT NOT NULL,
    evidence TEXT NOT NULL,
    opened_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    closed_ms BIGINT NULL,
    action TEXT NULL,
    resolved_by TEXT NULL,
    reason TEXT NULL
);
CREATE UNIQUE INDEX attention_open ON attention (link, kind, subject) WHERE closed_ms IS NULL;
CREATE INDEX attention_newest ON attention (opened_ms, id);

-- One row of the feed and what became of it: the learner log.
CREATE TABLE record (
    id {serial},
    link TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    -- Empty for the feed's record itself; else what tells another log line of the same record apart.
    line TEXT NOT NULL DEFAULT '',
    date_created TEXT NOT NULL,
    course TEXT NOT NULL,
    short_name TEXT NOT NULL,
    state TEXT NOT NULL,
    guid TEXT NOT NULL,
    mail TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    state_date TEXT NOT NULL,
    record_id TEXT NOT NULL,
    -- Why the row could not be read, where its texts alone do not show it.
    problem TEXT NULL,
    created_ms BIGINT NULL,
    changed_ms BIGINT NULL,
    guid_fold TEXT NOT NULL,
    mail_fold TEXT NOT NULL,
    course_id BIGINT NOT NULL DEFAULT 0,
    course_name TEXT NOT NULL DEFAULT '',
    user_id BIGINT NOT NULL DEFAULT 0,
    code TEXT NOT NULL,
    standing TEXT NOT NULL,
    status TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    evidence TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    first_seen_ms BIGINT NOT NULL,
    decided_ms BIGINT NULL,
    -- When it last came to something: decided, else first seen. The log is ordered by it.
    at_ms BIGINT NOT NULL,
    next_try_ms BIGINT NULL,
    run TEXT NOT NULL,
    -- The change that is about to be sent for it; empty again once the outcome is recorded.
    intent TEXT NULL,
    intent_run TEXT NULL,
    attention BIGINT NULL,
    -- 1 once a run whose plan was cleared left it as it stands.
    cleared BIGINT NOT NULL DEFAULT 0,
    UNIQUE (link, fingerprint, line)
);
CREATE INDEX record_due ON record (link, next_try_ms, id) WHERE standing <> 'settled';
CREATE INDEX record_waiting ON record (link, standing, code) WHERE standing <> 'settled';
CREATE INDEX record_intent ON record (link, id) WHERE intent IS NOT NULL;
CREATE INDEX record_attention ON record (attention, id) WHERE attention IS NOT NULL;
CREATE INDEX record_newest ON record (link, at_ms, id);
CREATE INDEX record_guid ON record (guid_fold, at_ms, id);
CREATE INDEX record_mail ON record (mail_fold, at_ms, id);
CREATE INDEX record_course ON record (course, at_ms, id);
CREATE INDEX record_enrolment ON record (enrolment_id, at_ms, id);
CREATE INDEX record_status ON record (link, status, at_ms, id) WHERE status <> 'Success';
CREATE INDEX record_trouble ON record (course, status, at_ms, id) WHERE status <> 'Success';
CREATE INDEX record_action ON record (link, action, at_ms, id) WHERE action NOT IN ('Enrol', 'Suspend');

-- The people and courses of the records, once each: the free-text search looks here first.
CREATE TABLE person (
    link TEXT NOT NULL,
    guid_fold TEXT NOT NULL,
    -- GUID, mail, names as last seen, folded, one line.
    search TEXT NOT NULL,
    user_id BIGINT NOT NULL DEFAULT 0,
    seen_ms BIGINT NOT NULL,
    PRIMARY KEY (link, guid_fold)
);
CREATE INDEX person_of_user ON person (user_id) WHERE user_id > 0;

CREATE TABLE course (
    link TEXT NOT NULL,
    course TEXT NOT NULL,
    course_id BIGINT NOT NULL DEFAULT 0,
    name TEXT NOT NULL DEFAULT '',
    short_name TEXT NOT NULL DEFAULT '',
    search TEXT NOT NULL,
    seen_ms BIGINT NOT NULL,
    PRIMARY KEY (link, course)
);

-- How many records of a course came to what: a projection of `record`, kept with it.
CREATE TABLE tally (
    link TEXT NOT NULL,
    course TEXT NOT NULL,
    action TEXT NOT NULL,
    status TEXT NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (link, course, action, status)
);

-- The newest state that was applied for a person and course: what makes a late record stale.
CREATE TABLE applied (
    link TEXT NOT NULL,
    guid_fold TEXT NOT NULL,
    course TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    -- The feed's own number of the record, -1 where it has none.
    number BIGINT NOT NULL,
    state TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    course_id BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (link, guid_fold, course)
);

CREATE TABLE plan (
    id {serial},
    link TEXT NOT NULL,
    run TEXT NOT NULL REFERENCES run (id),
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    body TEXT NOT NULL,
    findings TEXT NOT NULL,
    judged_by TEXT NULL,
    judged_ms BIGINT NULL,
    judged_why TEXT NOT NULL DEFAULT '',
    expires_ms BIGINT NULL,
    used_by_run TEXT NULL
);
CREATE INDEX plan_of_link ON plan (link, state, id);
CREATE INDEX plan_of_run ON plan (run);

-- Mails, completions and notices that are due, each sent once. The dedupe text is what makes two of them one.
CREATE TABLE outbox (
    id {serial},
    kind TEXT NOT NULL,
    dedupe TEXT NOT NULL UNIQUE,
    link TEXT NOT NULL,
    run TEXT NULL,
    record TEXT NULL,
    guid_fold TEXT NULL,
    course TEXT NULL,
    state TEXT NOT NULL,
    payload TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_ms BIGINT NOT NULL,
    claimed_by TEXT NULL,
    claimed_ms BIGINT NULL,
    last_answer TEXT NOT NULL DEFAULT '',
    created_ms BIGINT NOT NULL,
    settled_ms BIGINT NULL
);
CREATE INDEX outbox_due ON outbox (kind, next_ms, id) WHERE state = 'due';
CREATE INDEX outbox_sending ON outbox (claimed_ms) WHERE state = 'sending';
CREATE INDEX outbox_open ON outbox (link, kind, state, created_ms) WHERE settled_ms IS NULL;
CREATE INDEX outbox_of_person ON outbox (guid_fold, course, id) WHERE guid_fold IS NOT NULL;

-- A community group and its Moodle cohort.
CREATE TABLE guild (
    link TEXT NOT NULL,
    uuid TEXT NOT NULL,
    machine_name TEXT NOT NULL,
    label TEXT NOT NULL,
    cohort_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    members BIGINT NOT NULL DEFAULT 0,
    last_sync_ms BIGINT NULL,
    -- Whatever else the last synchronisation counted, as JSON.
    stats TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (link, uuid)
);

-- What Rollbook made in Moodle or was told to adopt: only this is ever removed. The person is for whom it was made,
-- null where that is not known.
CREATE TABLE owned_member (
    link TEXT NOT NULL,
    cohort_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    person BIGINT NULL,
    at_ms BIGINT NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (link, cohort_id, user_id)
);
CREATE TABLE owned_role (
    link TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    role_id BIGINT NOT NULL,
    -- `system`, `category` or `course`, and the id of the latter two.
    context TEXT NOT NULL,
    context_id BIGINT NOT NULL,
    guild TEXT NOT NULL,
    person BIGINT NULL,
    at_ms BIGINT NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (link, user_id, role_id, context, context_id, guild)
);
