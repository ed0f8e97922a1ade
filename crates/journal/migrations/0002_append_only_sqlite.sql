-- Events are never changed. They are removed only by retention: older than the horizon that it writes, in one
-- transaction, into the table `retention` and takes out again.
CREATE TRIGGER event_never_changes BEFORE UPDATE ON event
BEGIN
    SELECT RAISE(ABORT, 'an event is never changed');
END;
CREATE TRIGGER event_never_leaves BEFORE DELETE ON event
WHEN NOT EXISTS (SELECT 1 FROM retention WHERE OLD.at_ms < before_ms)
BEGIN
    SELECT RAISE(ABORT, 'an event leaves by retention only');
END;
