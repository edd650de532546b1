-- The ordered map: three spaces, keys as unsigned bytes (which is how bytea compares).
CREATE TABLE @.records (
    space smallint NOT NULL,
    key bytea NOT NULL,
    stamp bigint NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (space, key)
);

-- Values are sealed bytes or short; compressing them is wasted work.
ALTER TABLE @.records ALTER COLUMN value SET STORAGE EXTERNAL;

-- Where stamps come from. No cache: a stamp drawn after a commit returned must be larger than its.
CREATE SEQUENCE @.stamps AS bigint CACHE 1;

-- Every commit by its id, so that one whose answer was lost can be asked about. Stamp 0: refused for ever.
CREATE TABLE @.commits (
    id bytea PRIMARY KEY,
    stamp bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX commits_by_time ON @.commits (at);

-- Checks and changes, all or nothing, in one round trip.
--
-- Keys come sorted and each once: what must stand there (`expected`: a stamp, 0 for nothing, null for whatever
-- it is), whether it is written, and the new value (null: it is removed). They are locked in that order, so that
-- two commits cannot wait for each other but over keys that neither found; that is a deadlock that PostgreSQL
-- breaks, and the caller asks again. A key that is checked and not written is locked FOR SHARE, for which a
-- writer of it waits.
CREATE FUNCTION @.commit(
    commit_id bytea,
    spaces smallint[], keys bytea[], expected bigint[], written boolean[], vals bytea[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    wanted record;
    present bigint;
    drawn bigint := nextval('@.stamps');
    newer bigint;
    overtaken boolean := false;
BEGIN
    -- Only this transaction's: what is acknowledged is on disk, whatever the server's default says.
    IF current_setting('synchronous_commit') IN ('off', 'local') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    FOR wanted IN
        SELECT * FROM unnest(spaces, keys, expected, written, vals)
            AS w (space, key, expected, is_written, value)
    LOOP
        IF wanted.is_written THEN
            SELECT r.stamp INTO present FROM @.records AS r
            WHERE r.space = wanted.space AND r.key = wanted.key FOR UPDATE;
        ELSE
            SELECT r.stamp INTO present FROM @.records AS r
            WHERE r.space = wanted.space AND r.key = wanted.key FOR SHARE;
        END IF;
        IF wanted.expected IS NOT NULL AND wanted.expected <> coalesce(present, 0) THEN
            RAISE EXCEPTION 'a check of the commit does not hold' USING ERRCODE = 'SR001';
        END IF;
        overtaken := overtaken OR coalesce(present, 0) > drawn;
        IF NOT wanted.is_written THEN
            CONTINUE;
        ELSIF present IS NULL AND wanted.value IS NOT NULL THEN
            INSERT INTO @.records (space, key, stamp, value)
            VALUES (wanted.space, wanted.key, drawn, wanted.value)
            ON CONFLICT ON CONSTRAINT records_pkey DO NOTHING;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'a record appeared meanwhile' USING ERRCODE = '40001';
            END IF;
        ELSIF present IS NOT NULL AND wanted.value IS NOT NULL THEN
            UPDATE @.records AS r SET stamp = drawn, value = wanted.value
            WHERE r.space = wanted.space AND r.key = wanted.key;
        ELSIF present IS NOT NULL THEN
            DELETE FROM @.records AS r WHERE r.space = wanted.space AND r.key = wanted.key;
        END IF;
    END LOOP;
    -- A record's stamps grow: one that was locked late may carry a stamp that was drawn after ours.
    IF overtaken THEN
        newer := nextval('@.stamps');
        UPDATE @.records AS r SET stamp = newer
        FROM unnest(spaces, keys) AS m (space, key)
        WHERE r.space = m.space AND r.key = m.key AND r.stamp = drawn;
        drawn := newer;
    END IF;
    -- Fails if the id was refused meanwhile by somebody who asked about it: then nothing of this stands.
    INSERT INTO @.commits (id, stamp) VALUES (commit_id, drawn);
    RETURN drawn;
END
$$;

-- What became of a commit whose answer was lost: its stamp, or 0, and then it never will take effect: its own
-- note of its id would collide with this one. Waits while it is still at work. It writes in both cases, so
-- that its answer waits for a replica as the commit's did.
CREATE FUNCTION @.fate(commit_id bytea) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    settled bigint;
BEGIN
    IF current_setting('synchronous_commit') IN ('off', 'local') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    INSERT INTO @.commits AS c (id, stamp) VALUES (commit_id, 0)
    ON CONFLICT ON CONSTRAINT commits_pkey DO UPDATE SET at = c.at
    RETURNING c.stamp INTO settled;
    RETURN settled;
END
$$;
