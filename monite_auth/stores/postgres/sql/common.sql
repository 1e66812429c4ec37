-- What the operations share.
--
-- Read committed is enough: each function first takes locks of its own, and each statement in it sees all that was committed before.
-- Whoever writes about a user has that user's lock, and whoever decides about a token's value has the value's. The account's is
-- shared by all of them, and alone with whoever ends everything or puts another data key into force. Locks are taken in this order:
-- account, user, value. They end with the transaction, so a pooler that gives each transaction another connection loses none.

--
-- Time is the server's clock less `set_by`, all that processes have seen it being set (monite_auth.stores.server_clock). So it goes on
-- evenly when somebody sets that clock, and when a failover brings another one. `p_clock` is what the caller knows of the clock: the
-- earliest and the latest time that it shows if nobody has set it meanwhile, set_by, and the time of the caller's wall clock.

CREATE FUNCTION monite_auth.seconds(p_seconds double precision) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT p_seconds * interval '1 second'
$$;

CREATE FUNCTION monite_auth.set_by() RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT set_by FROM monite_auth.clock), 0)
$$;

CREATE FUNCTION monite_auth.note_set_by(p_former double precision, p_set_by double precision) RETURNS boolean LANGUAGE sql AS $$
-- Notes by how much the clock was set in all; false if another process was faster.
    WITH noted AS (
        INSERT INTO monite_auth.clock AS clock (set_by) SELECT p_set_by WHERE monite_auth.set_by() = p_former
        ON CONFLICT (one) DO UPDATE SET set_by = excluded.set_by WHERE clock.set_by = p_former
        RETURNING true
    ) SELECT EXISTS (SELECT FROM noted)
$$;

CREATE FUNCTION monite_auth.store_time(p_account text, p_stamp text, p_clock double precision[])
RETURNS timestamptz LANGUAGE plpgsql AS $$
-- Checks that the caller knows the data key in force, and how the clock was set; returns the time.
DECLARE
    v_clock timestamptz := clock_timestamp();
BEGIN
    IF NOT EXISTS (SELECT FROM monite_auth.accounts WHERE account = p_account AND stamp = p_stamp) THEN
        RAISE EXCEPTION USING ERRCODE = '{ANOTHER_KEY}', MESSAGE = 'another data key is in force';
    END IF;
    IF monite_auth.set_by() <> p_clock[3] OR extract(epoch FROM v_clock) NOT BETWEEN p_clock[1] AND p_clock[2] THEN
        RAISE EXCEPTION USING ERRCODE = '{CLOCK_SET}', MESSAGE = 'the clock of the server was set';
    END IF;
    RETURN v_clock - monite_auth.seconds(p_clock[3]);
END $$;

CREATE FUNCTION monite_auth.enter(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_print text DEFAULT NULL
) RETURNS timestamptz LANGUAGE plpgsql AS $$
-- Takes the locks, and returns the time.
BEGIN
    PERFORM set_config('lock_timeout', '{LOCK_TIMEOUT}', true);
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(p_account, {LOCKS}));
    IF p_user IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_user, {LOCKS} + 1));
    END IF;
    IF p_print IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_print, {LOCKS} + 2));
    END IF;
    RETURN monite_auth.store_time(p_account, p_stamp, p_clock);
END $$;

CREATE FUNCTION monite_auth.enter_alone(p_account text) RETURNS void LANGUAGE plpgsql AS $$
-- Waits for all who are at work on the account, and keeps others from it.
BEGIN
    PERFORM set_config('lock_timeout', '{LOCK_TIMEOUT}', true);
    PERFORM pg_advisory_xact_lock(hashtextextended(p_account, {LOCKS}));
END $$;

CREATE FUNCTION monite_auth.over_before(p_clock double precision[], p_now timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
-- Tokens that expire by this moment have expired, by the wall clock of the caller, too: none is forgotten because the server's clock is
-- ahead, and no process has seen how that came.
    SELECT least(p_now, to_timestamp(p_clock[4])) - monite_auth.seconds({SAFETY})
$$;

CREATE FUNCTION monite_auth.lose_if_it_crashes() RETURNS void LANGUAGE sql AS $$
-- Does not wait for the disk: what the caller writes may be lost in a crash of the server, and nobody misses it.
    SELECT set_config('synchronous_commit', 'off', true)
$$;

CREATE FUNCTION monite_auth.began(
    p_moment double precision, p_at double precision, p_wall double precision, p_now timestamptz
) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
-- A date by the caller's wall clock, in the store's time; see monite_auth.stores.dates.Began.
    SELECT to_timestamp(p_moment + CASE
        WHEN p_at > p_wall THEN least(extract(epoch FROM p_now)::double precision - p_wall, 0)
        ELSE extract(epoch FROM p_now)::double precision - p_wall
    END)
$$;

CREATE FUNCTION monite_auth.ended_by_date(p_account text, p_user text, p_by timestamptz, p_now timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM monite_auth.endings WHERE user_name = p_user AND ended_before > p_by AND until > p_now
    ) OR EXISTS (SELECT FROM monite_auth.accounts WHERE account = p_account AND ended_before > p_by)
$$;

CREATE FUNCTION monite_auth.ending_of(
    p_account text, p_user text, p_session text, p_has_id boolean,
    p_at double precision, p_by double precision, p_wall double precision, p_memory double precision, p_now timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
-- Says that a session has "ended", or is too "old"; null otherwise.
DECLARE
    v_ended boolean;
BEGIN
    -- What is known from before the last `end_everything` is about to be written down as ended.
    SELECT session.ended OR session.began < account.ended_before INTO v_ended
    FROM monite_auth.sessions AS session JOIN monite_auth.accounts AS account ON account.account = session.account
    WHERE session.user_name = p_user AND session.session_name = p_session AND session.until > p_now;
    IF FOUND THEN  -- it is judged by its name alone
        RETURN CASE WHEN v_ended THEN 'ended' END;
    END IF;
    IF p_at IS NULL THEN
        -- The unknown sessions without a date have ended where there is a row that bears the user's own name.
        IF p_has_id AND EXISTS (
            SELECT FROM monite_auth.sessions WHERE user_name = p_user AND session_name = p_user AND until > p_now
        ) THEN
            RETURN 'old';
        END IF;
        RETURN NULL;
    END IF;
    IF monite_auth.ended_by_date(p_account, p_user, monite_auth.began(p_by, p_at, p_wall, p_now), p_now) THEN
        RETURN 'ended';
    END IF;
    RETURN CASE
        WHEN monite_auth.began(p_at, p_at, p_wall, p_now) <= p_now - monite_auth.seconds(p_memory) THEN 'old'
    END;
END $$;

CREATE FUNCTION monite_auth.let_go_oldest(p_user text, p_latest text, p_ended boolean, p_most integer)
RETURNS timestamptz LANGUAGE plpgsql AS $$
-- Deletes two of a user's sessions where there are too many: more than are added. Returns until when they were remembered.
-- `p_latest`, which was just written, stays, even if others are remembered for longer.
DECLARE
    v_until timestamptz;
BEGIN
    IF (SELECT count(*) FROM monite_auth.sessions WHERE user_name = p_user AND ended = p_ended) > p_most THEN
        WITH gone AS (
            DELETE FROM monite_auth.sessions WHERE user_name = p_user AND session_name IN (
                SELECT session_name FROM monite_auth.sessions
                WHERE user_name = p_user AND ended = p_ended AND session_name IS DISTINCT FROM p_latest
                ORDER BY until, session_name LIMIT 2
            ) RETURNING until
        ) SELECT max(until) INTO v_until FROM gone;
    END IF;
    RETURN v_until;
END $$;

CREATE FUNCTION monite_auth.begin(
    p_account text, p_user text, p_session text, p_began timestamptz, p_memory double precision, p_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
-- Writes a session down as known, unless it has ended. A session that is known for nearly as long as it would be is left as it is,
-- so that those who wait for a mint only read.
BEGIN
    IF p_session IS NULL OR EXISTS (
        SELECT FROM monite_auth.sessions
        WHERE user_name = p_user AND session_name = p_session AND NOT ended AND until > p_now
            AND until > p_now + monite_auth.seconds(p_memory - least(60, p_memory / 100))
    ) THEN
        RETURN;
    END IF;
    INSERT INTO monite_auth.sessions AS known (user_name, session_name, account, ended, until, began)
    VALUES (p_user, p_session, p_account, false, p_now + monite_auth.seconds(p_memory), p_began)
    ON CONFLICT (user_name, session_name) DO UPDATE SET
        ended = false,
        until = excluded.until,
        began = CASE WHEN known.until <= p_now THEN excluded.began ELSE known.began END
    WHERE NOT known.ended OR known.until <= p_now;
    PERFORM monite_auth.let_go_oldest(p_user, p_session, false, {MOST_SESSIONS});
END $$;

CREATE FUNCTION monite_auth.take_away(
    p_clock double precision[], p_user text, p_session text, p_all boolean, p_now timestamptz
) RETURNS integer LANGUAGE plpgsql AS $$
-- Fences the mints, and makes the tokens pending: of a session of the user and of no session, or all of them. Returns how many.
DECLARE
    v_count integer;
BEGIN
    UPDATE monite_auth.mints SET fenced = true
    WHERE user_name = p_user AND (p_all OR session_name IS NULL OR session_name = p_session);
    UPDATE monite_auth.tokens SET state = 'pending', due_at = p_now, pending_since = p_now
    WHERE user_name = p_user AND state <> 'pending' AND expires_at > monite_auth.over_before(p_clock, p_now)
        AND (p_all OR session_name IS NULL OR session_name = p_session);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

CREATE FUNCTION monite_auth.is_doomed(p_print text, p_now timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
-- Says whether a value that would be alive has been revoked, or is about to be.
    SELECT EXISTS (SELECT FROM monite_auth.condemned WHERE print = p_print AND until > p_now) OR EXISTS (
        SELECT FROM monite_auth.tokens
        WHERE print = p_print AND state = 'pending' AND expires_at > p_now - monite_auth.seconds({SAFETY})
    ) OR EXISTS (  -- `end_everything` is on its way to it
        SELECT FROM monite_auth.tokens AS token JOIN monite_auth.accounts AS account ON account.account = token.account
        WHERE token.print = p_print AND token.state <> 'pending' AND token.id <= account.ending_to
    )
$$;

CREATE FUNCTION monite_auth.insert_token(
    p_account text, p_state text, p_slot text, p_user text, p_session text, p_print text, p_sealed bytea,
    p_left double precision, p_life double precision, p_renew_in double precision, p_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
-- Writes a token down that has some seconds left, unless it would be a pending one that has expired.
BEGIN
    IF p_state <> 'pending' OR p_left + {SAFETY} > 0 THEN
        INSERT INTO monite_auth.tokens (
            account, state, slot, user_name, session_name, print, sealed, expires_at, issued_at, renew_at, due_at, pending_since
        ) VALUES (
            p_account, p_state, p_slot, p_user, p_session, p_print, p_sealed, p_now + monite_auth.seconds(p_left),
            p_now + monite_auth.seconds(p_left - p_life), p_now + monite_auth.seconds(p_renew_in), p_now,
            CASE WHEN p_state = 'pending' THEN p_now END
        );
    END IF;
END $$;

CREATE FUNCTION monite_auth.sweep(p_clock double precision[], p_most integer, p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
-- Deletes some rows of each table that are over. What another transaction has locked is left to a later sweep.
DECLARE
    v_over timestamptz := monite_auth.over_before(p_clock, p_now);
BEGIN
    DELETE FROM monite_auth.sessions WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM monite_auth.sessions WHERE over_on < (v_over AT TIME ZONE 'UTC')::date
        LIMIT p_most FOR UPDATE SKIP LOCKED));
    DELETE FROM monite_auth.endings WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM monite_auth.endings WHERE until <= v_over LIMIT p_most FOR UPDATE SKIP LOCKED));
    DELETE FROM monite_auth.mints WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM monite_auth.mints WHERE until <= v_over LIMIT p_most FOR UPDATE SKIP LOCKED));
    DELETE FROM monite_auth.notes WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM monite_auth.notes WHERE until <= v_over LIMIT p_most FOR UPDATE SKIP LOCKED));
    DELETE FROM monite_auth.condemned WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM monite_auth.condemned WHERE until <= v_over LIMIT p_most FOR UPDATE SKIP LOCKED));
    -- A revocation that has expired is kept for a drainer to count; if nobody drains, it goes too.
    DELETE FROM monite_auth.tokens WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM monite_auth.tokens WHERE expires_at <= v_over
            AND (state <> 'pending' OR expires_at <= v_over - monite_auth.seconds({UNCOUNTED}))
        LIMIT p_most FOR UPDATE SKIP LOCKED));
END $$;
