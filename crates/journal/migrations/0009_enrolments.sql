-- The newest state that was applied for each enrolment of a person in a course. "applied" keeps what counts for the pair.
CREATE TABLE enrolment (
    link TEXT NOT NULL,
    guid_fold TEXT NOT NULL,
    course TEXT NOT NULL,
    -- The ELM's id; empty where the record had none.
    enrolment_id TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    number BIGINT NOT NULL,
    state TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    -- 0 where another enrolment of the pair outweighed it.
    decided BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (link, guid_fold, course, enrolment_id)
);

INSERT INTO enrolment (link, guid_fold, course, enrolment_id, changed_ms, created_ms, number, state, fingerprint, decided,
    at_ms)
SELECT a.link, a.guid_fold, a.course,
    COALESCE((SELECT TRIM(r.enrolment_id) FROM record r
        WHERE r.link = a.link AND r.fingerprint = a.fingerprint AND r.line = ''), ''),
    a.changed_ms, a.created_ms, a.number, a.state, a.fingerprint, 1, a.at_ms
FROM applied a;

-- Where a person is in, other enrolments of the pair may live as well.
INSERT INTO enrolment (link, guid_fold, course, enrolment_id, changed_ms, created_ms, number, state, fingerprint, decided,
    at_ms)
SELECT n.link, n.guid_fold, n.course, n.enrolment, n.changed_ms, n.created_ms, -1, n.state, n.fingerprint, 0, n.at_ms
FROM (SELECT r.link, r.guid_fold, r.course, TRIM(r.enrolment_id) AS enrolment, r.changed_ms, r.created_ms, r.state,
        r.fingerprint, r.at_ms,
        ROW_NUMBER() OVER (PARTITION BY r.link, r.guid_fold, r.course, TRIM(r.enrolment_id)
            ORDER BY r.changed_ms DESC, r.created_ms DESC, r.id DESC) AS place
    FROM record r JOIN applied a ON a.link = r.link AND a.guid_fold = r.guid_fold AND a.course = r.course
        AND a.state = 'Enrol'
    WHERE r.line = '' AND r.changed_ms IS NOT NULL AND r.created_ms IS NOT NULL AND TRIM(r.enrolment_id) <> ''
        AND r.state IN ('Enrol', 'Suspend')
        AND r.code IN ('enrolled', 'reactivated', 'already_enrolled', 'suspended', 'already_suspended', 'not_enrolled',
            'no_account')) n
WHERE n.place = 1
ON CONFLICT (link, guid_fold, course, enrolment_id) DO NOTHING;

-- The enrolments that a link made: what Rollbook gave, it may take.
CREATE TABLE made_enrolment (
    link TEXT NOT NULL,
    guid_fold TEXT NOT NULL,
    course TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (link, guid_fold, course)
);

INSERT INTO made_enrolment (link, guid_fold, course, at_ms)
SELECT r.link, r.guid_fold, r.course, MIN(r.at_ms) FROM record r
WHERE r.guid_fold <> '' AND (r.code = 'enrolled' OR (r.code = 'imported' AND r.state = 'Enrol' AND r.status = 'Success'))
GROUP BY r.link, r.guid_fold, r.course;

-- Records that hold from a later day are looked up by person whenever the person's next record comes.
CREATE INDEX record_planned ON record (link, guid_fold) WHERE code = 'planned';

-- Records of a run that wait for their day.
ALTER TABLE run ADD COLUMN planned BIGINT NOT NULL DEFAULT 0;
