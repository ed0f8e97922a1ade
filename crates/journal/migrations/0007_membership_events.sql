-- Signed events of a community that were taken: within its window none is taken twice. What each wakes is a request.

CREATE TABLE membership_event (
    signature TEXT NOT NULL PRIMARY KEY,
    link TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX membership_event_by_time ON membership_event (at_ms);
