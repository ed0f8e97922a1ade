-- What a record's texts were before they were brought into their normal form: a JSON list of field and text; NULL where
-- nothing was changed.
ALTER TABLE record ADD COLUMN raw TEXT;
