-- Checks and changes, all or nothing, in one round trip.
--
-- Keys come sorted and each once: what must stand there (`expected`: a stamp, 0 for nothing, null for whatever
-- it is), whether it is written, and the new value (null: it is removed). They are locked in that order, so that
-- two commits cannot wait for each other but over keys that neither found; that is a deadlock that PostgreSQL
-- breaks, and the caller asks again. A key that is checked and not written is locked FOR SHARE, for which a
-- writer of it waits. A key on which nothing may stand is locked by its hash, since it may stay without a row:
-- two commits of which each wants both of two keys empty and fills another of them must not both take effect.
CREATE OR REPLACE FUNCTION @.commit(
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
        IF wanted.expected = 0 THEN
            -- There is no row to lock. Whoever expects none waits here, and then sees what came of the other.
            PERFORM pg_advisory_xact_lock(hashtextextended('@' || encode(wanted.key, 'hex'), wanted.space));
        END IF;
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
