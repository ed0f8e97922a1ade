-- What the log is filtered by and ordered by at once: the order is found inside the index, without the lines themselves.
DROP INDEX record_status;
CREATE INDEX record_status ON record (link, status, at_ms, id, guid_fold, mail_fold, course, enrolment_id)
    WHERE status <> 'Success';

-- What became of few records. The common outcomes are met soon by walking through the newest lines.
CREATE INDEX record_code ON record (link, code, at_ms, id)
    WHERE code NOT IN ('received', 'enrolled', 'suspended', 'imported');
