-- What the long-running process and the pages tell each other. A page never reaches a remote system: it writes a request,
-- the process carries it out and writes the answer.

CREATE TABLE request (
    id {serial},
    kind TEXT NOT NULL,
    -- What it is about; empty where it is about no link, or no site.
    link TEXT NOT NULL,
    site TEXT NOT NULL,
    body TEXT NOT NULL,
    -- waiting, running, done, failed
    state TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_ms BIGINT NOT NULL,
    -- Not to be taken before this moment.
    next_ms BIGINT NOT NULL,
    -- Who carries it out, and until when unless that is renewed; then it is anybody's.
    node TEXT NULL,
    until_ms BIGINT NULL,
    -- How often it was taken: what proves that an answer is the present holder's.
    takes BIGINT NOT NULL DEFAULT 0,
    -- How often its node was not heard of any more: what kills every node that takes it is given up.
    deaths BIGINT NOT NULL DEFAULT 0,
    answer TEXT NULL,
    finished_ms BIGINT NULL
);
CREATE INDEX request_open ON request (next_ms, id) WHERE finished_ms IS NULL;
CREATE INDEX request_of_link ON request (link, id);

-- A process that serves, and when it was last heard of.
CREATE TABLE node (
    name TEXT NOT NULL PRIMARY KEY,
    version TEXT NOT NULL,
    listens TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    -- Since when it is stopping, where it is.
    stopping_ms BIGINT NULL
);

-- How the schedule of a link stands. Whether it is paused is in `link`.
CREATE TABLE schedule (
    link TEXT NOT NULL PRIMARY KEY,
    -- A person's word over the configuration: 1 it runs by itself, 0 it does not; null as configured.
    enabled BIGINT NULL,
    enabled_ms BIGINT NULL,
    enabled_by TEXT NOT NULL DEFAULT '',
    enabled_why TEXT NOT NULL DEFAULT '',
    -- Since when this link is watched: slots of before are nobody's.
    since_ms BIGINT NOT NULL,
    -- The newest due time that a run has begun for.
    covered_ms BIGINT NULL,
    -- When the next run begins, jitter included, as the process sees it.
    next_ms BIGINT NULL
);

-- One continuous trouble. At most one is open for a link, kind and subject.
CREATE TABLE episode (
    id {serial},
    link TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    title TEXT NOT NULL,
    -- What to do about it.
    remedy TEXT NOT NULL,
    -- Where to look: a path under the public address.
    path TEXT NOT NULL,
    began_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    told_ms BIGINT NOT NULL,
    ended_ms BIGINT NULL
);
CREATE UNIQUE INDEX episode_open ON episode (link, kind, subject) WHERE ended_ms IS NULL;
CREATE INDEX episode_of_link ON episode (link, id);

-- When the feed had something last: asked every minute.
CREATE INDEX record_fed ON record (link, id) WHERE line = '' AND code <> 'imported' AND state IN ('Enrol', 'Suspend');

-- What people were told. Its ways to them (each address, the webhook) are rows of the outbox.
CREATE TABLE notice (
    id {serial},
    link TEXT NOT NULL,
    run TEXT NULL,
    title TEXT NOT NULL,
    -- The notice as JSON: what, who, since when, what to do.
    body TEXT NOT NULL,
    made_ms BIGINT NOT NULL
);
CREATE INDEX notice_of_link ON notice (link, id);
