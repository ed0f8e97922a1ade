-- Events are never changed. They are removed only by retention: older than the horizon that it writes, in one
-- transaction, into the table `retention` and takes out again.
CREATE FUNCTION event_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an event is never changed';
END $$;
CREATE FUNCTION event_never_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM retention WHERE OLD.at_ms < before_ms) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'an event leaves by retention only';
END $$;
CREATE TRIGGER event_never_changes BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION event_never_changes();
CREATE TRIGGER event_never_leaves BEFORE DELETE ON event FOR EACH ROW EXECUTE FUNCTION event_never_leaves();
CREATE TRIGGER event_never_truncated BEFORE TRUNCATE ON event EXECUTE FUNCTION event_never_changes();
