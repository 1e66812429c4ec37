-- Sessions: how they begin, and all ways to end them and to take tokens away.

CREATE FUNCTION monite_auth.end_before(
    p_account text, p_user text, p_moment timestamptz, p_memory double precision, p_now timestamptz
) RETURNS void LANGUAGE sql AS $$
-- Notes that the user's sessions from before a moment have ended.
    INSERT INTO monite_auth.endings AS ending (user_name, account, ended_before, until)
    VALUES (p_user, p_account, p_moment, p_now + monite_auth.seconds(p_memory + {LEEWAY}))
    ON CONFLICT (user_name) DO UPDATE SET
        ended_before = greatest(ending.ended_before, excluded.ended_before), until = excluded.until
$$;

CREATE FUNCTION monite_auth.note_ending(
    p_account text, p_user text, p_session text, p_memory double precision, p_now timestamptz
) RETURNS void LANGUAGE sql AS $$
-- Notes that a session has ended. Under the user's own name it is that of the unknown sessions without a date.
    INSERT INTO monite_auth.sessions (user_name, session_name, account, ended, until, began)
    VALUES (p_user, p_session, p_account, true, p_now + monite_auth.seconds(p_memory + {LEEWAY}), '-infinity')
    ON CONFLICT (user_name, session_name) DO UPDATE SET ended = true, until = excluded.until, began = '-infinity'
$$;

CREATE FUNCTION monite_auth.let_go_endings(
    p_account text, p_user text, p_latest text, p_memory double precision, p_now timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
-- Forgets a user's oldest endings where there are too many. Dates tell from then on which sessions have ended.
DECLARE
    v_until timestamptz := monite_auth.let_go_oldest(p_user, p_latest, true, {MOST_ENDINGS});
BEGIN
    IF v_until IS NOT NULL THEN
        -- One that others wrote may be remembered for longer than this caller's memory.
        PERFORM monite_auth.end_before(p_account, p_user,
            least(p_now, v_until - monite_auth.seconds(p_memory + {LEEWAY})), p_memory, p_now);
        PERFORM monite_auth.note_ending(p_account, p_user, p_user, p_memory, p_now);
    END IF;
END $$;

CREATE FUNCTION monite_auth.end_session_within(
    p_account text, p_clock double precision[], p_user text, p_session text, p_session_id text,
    p_memory double precision, p_ago double precision, p_now timestamptz
) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    IF p_session IS NOT NULL THEN
        PERFORM monite_auth.note_ending(p_account, p_user, p_session, p_memory, p_now);
        IF p_session_id IS NULL THEN
            PERFORM monite_auth.end_before(p_account, p_user, p_now - monite_auth.seconds(p_ago), p_memory, p_now);
        END IF;
        PERFORM monite_auth.let_go_endings(p_account, p_user, p_session, p_memory, p_now);
    END IF;
    RETURN monite_auth.take_away(p_clock, p_user, p_session_id, false, p_now);
END $$;

CREATE FUNCTION monite_auth.end_sessions(
    p_account text, p_user text, p_memory double precision, p_ago double precision, p_now timestamptz
) RETURNS integer LANGUAGE plpgsql AS $$
-- Ends the known sessions of a user that did not begin since; returns how many. Where sessions of a user may have been let go, the
-- unknown ones without a date end, too: all that was let go is older than what is here.
DECLARE
    v_count integer;
BEGIN
    PERFORM monite_auth.note_ending(p_account, p_user, p_user, p_memory, p_now)
    WHERE monite_auth.has_many_sessions(p_user, p_now);
    -- One that seems to begin later than now was dated before the clock was set back.
    UPDATE monite_auth.sessions SET ended = true, until = p_now + monite_auth.seconds(p_memory + {LEEWAY})
    WHERE NOT ended AND until > p_now AND user_name = p_user
        AND (p_ago <= 0 OR began <= p_now - monite_auth.seconds(p_ago) OR began > p_now);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

CREATE FUNCTION monite_auth.has_many_sessions(p_user text, p_now timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
-- Says whether sessions of a user may have been let go.
    SELECT count(*) >= {MOST_SESSIONS} FROM monite_auth.sessions WHERE user_name = p_user AND until > p_now
$$;

CREATE FUNCTION monite_auth.begin_session(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_session text, p_memory double precision, p_ago double precision
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, p_user);
    v_began timestamptz := v_now - monite_auth.seconds(p_ago);
BEGIN
    PERFORM monite_auth.begin(p_account, p_user, p_session, v_now, p_memory, v_now);
    IF p_ago > 0 THEN
        UPDATE monite_auth.sessions SET began = least(began, v_began)
        WHERE user_name = p_user AND session_name = p_session AND NOT ended;
        IF monite_auth.ended_by_date(p_account, p_user, v_began, v_now) THEN
            PERFORM monite_auth.end_session_within(p_account, p_clock, p_user, p_session, p_session, p_memory, 0, v_now);
        END IF;
    END IF;
END $$;

CREATE FUNCTION monite_auth.session_state(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_session text, p_has_id boolean,
    p_at double precision, p_by double precision, p_wall double precision, p_memory double precision,
    OUT ending text, OUT is_known boolean
) LANGUAGE plpgsql AS $$
-- Only reads, and waits for nobody.
DECLARE
    v_now timestamptz := monite_auth.store_time(p_account, p_stamp, p_clock);
BEGIN
    ending := monite_auth.ending_of(p_account, p_user, p_session, p_has_id, p_at, p_by, p_wall, p_memory, v_now);
    is_known := EXISTS (
        SELECT FROM monite_auth.sessions
        WHERE user_name = p_user AND session_name = p_session AND NOT ended AND until > v_now
    );
END $$;

CREATE FUNCTION monite_auth.end_session(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_session text, p_session_id text,
    p_memory double precision, p_ago double precision
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, p_user);
BEGIN
    RETURN monite_auth.end_session_within(p_account, p_clock, p_user, p_session, p_session_id, p_memory, p_ago, v_now);
END $$;

CREATE FUNCTION monite_auth.end_user(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_memory double precision, p_ago double precision
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, p_user);
BEGIN
    PERFORM monite_auth.end_sessions(p_account, p_user, p_memory, p_ago, v_now);
    PERFORM monite_auth.end_before(p_account, p_user, v_now - monite_auth.seconds(p_ago), p_memory, v_now);
    PERFORM monite_auth.let_go_endings(p_account, p_user, NULL, p_memory, v_now);
    RETURN monite_auth.take_away(p_clock, p_user, NULL, true, v_now);
END $$;

CREATE FUNCTION monite_auth.relink(p_account text, p_stamp text, p_clock double precision[], p_user text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, p_user);
BEGIN
    UPDATE monite_auth.mints SET cooldown_until = '-infinity' WHERE user_name = p_user;
    RETURN monite_auth.take_away(p_clock, p_user, NULL, true, v_now);
END $$;

CREATE FUNCTION monite_auth.end_everything(
    p_account text, p_stamp text, p_clock double precision[], p_memory double precision, p_ago double precision
) RETURNS void LANGUAGE plpgsql AS $$
-- Begins to end everything: from now on no session from before gets a token, and no mint in flight stores one. `end_more` does the rest.
DECLARE
    v_now timestamptz;
BEGIN
    PERFORM monite_auth.enter_alone(p_account);
    v_now := monite_auth.store_time(p_account, p_stamp, p_clock);
    UPDATE monite_auth.accounts SET
        ended_before = greatest(ended_before, v_now - monite_auth.seconds(p_ago)),
        ending_to = (SELECT coalesce(max(id), 0) FROM monite_auth.tokens),
        ending_token = 0, ending_user = '', ending_session = '', ending_memory = p_memory
    WHERE account = p_account;
    UPDATE monite_auth.mints SET fenced = true WHERE account = p_account;
END $$;

CREATE FUNCTION monite_auth.end_more(
    p_account text, p_stamp text, p_clock double precision[], OUT sessions integer, OUT tokens integer, OUT is_over boolean
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT step.sessions, step.tokens, step.is_over INTO sessions, tokens, is_over
    FROM monite_auth.end_step(p_account, p_clock, monite_auth.enter(p_account, p_stamp, p_clock, NULL)) AS step;
END $$;

CREATE FUNCTION monite_auth.end_step(
    p_account text, p_clock double precision[], p_now timestamptz,
    OUT sessions integer, OUT tokens integer, OUT is_over boolean
) LANGUAGE plpgsql AS $$
-- Takes away some more tokens or, when all are, ends some more sessions. Whoever comes first does it, also after its beginner has died.
#variable_conflict use_column
DECLARE
    v_account monite_auth.accounts;
    v_token bigint;
    v_user text;
    v_session text;
BEGIN
    sessions := 0;
    tokens := 0;
    SELECT * INTO v_account FROM monite_auth.accounts WHERE account = p_account FOR UPDATE;
    is_over := v_account.ending_to IS NULL;
    IF is_over THEN
        RETURN;
    END IF;
    IF v_account.ending_token < v_account.ending_to THEN
        SELECT max(few.id) INTO v_token FROM (
            SELECT id FROM monite_auth.tokens WHERE id > v_account.ending_token AND id <= v_account.ending_to
            ORDER BY id LIMIT {ENDING_STEP}
        ) AS few;
        UPDATE monite_auth.tokens SET state = 'pending', due_at = p_now, pending_since = p_now
        WHERE id > v_account.ending_token AND id <= v_token AND account = p_account AND state <> 'pending'
            AND expires_at > monite_auth.over_before(p_clock, p_now);
        GET DIAGNOSTICS tokens = ROW_COUNT;
        UPDATE monite_auth.accounts SET ending_token = coalesce(v_token, ending_to) WHERE account = p_account;
        RETURN;
    END IF;
    SELECT few.user_name, few.session_name INTO v_user, v_session FROM (
        SELECT user_name, session_name FROM monite_auth.sessions
        WHERE (user_name, session_name) > (v_account.ending_user, v_account.ending_session)
        ORDER BY user_name, session_name LIMIT {ENDING_STEP}
    ) AS few ORDER BY few.user_name DESC, few.session_name DESC LIMIT 1;
    IF NOT FOUND THEN
        UPDATE monite_auth.accounts SET ending_to = NULL WHERE account = p_account;
        is_over := true;
        RETURN;
    END IF;
    PERFORM monite_auth.note_ending(p_account, many.user_name, many.user_name, v_account.ending_memory, p_now) FROM (
        SELECT DISTINCT user_name FROM monite_auth.sessions
        WHERE (user_name, session_name) > (v_account.ending_user, v_account.ending_session)
            AND (user_name, session_name) <= (v_user, v_session) AND account = p_account AND until > p_now
    ) AS many WHERE monite_auth.has_many_sessions(many.user_name, p_now);
    UPDATE monite_auth.sessions SET
        ended = true, until = p_now + monite_auth.seconds(v_account.ending_memory + {LEEWAY})
    WHERE (user_name, session_name) > (v_account.ending_user, v_account.ending_session)
        AND (user_name, session_name) <= (v_user, v_session) AND account = p_account AND NOT ended AND until > p_now
        AND (began <= v_account.ended_before OR began > p_now);
    GET DIAGNOSTICS sessions = ROW_COUNT;
    UPDATE monite_auth.accounts SET ending_user = v_user, ending_session = v_session WHERE account = p_account;
END $$;

CREATE FUNCTION monite_auth.revoke(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_slot text, p_print text, p_sealed bytea,
    p_left double precision, p_life double precision, p_renew_in double precision
) RETURNS integer LANGUAGE plpgsql AS $$
-- `p_user` and `p_slot` are the partner's, whose the token is where no slot has it.
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, NULL, p_print);
    v_live integer;
BEGIN
    SELECT count(*) INTO v_live FROM monite_auth.tokens WHERE print = p_print AND state = 'live';
    UPDATE monite_auth.tokens SET state = 'pending', due_at = v_now, pending_since = v_now
    WHERE print = p_print AND state <> 'pending' AND expires_at > monite_auth.over_before(p_clock, v_now);
    IF NOT monite_auth.is_doomed(p_print, v_now) THEN
        PERFORM monite_auth.insert_token(p_account, 'pending', p_slot, p_user, NULL, p_print, p_sealed,
            p_left, p_life, p_renew_in, v_now);
    END IF;
    RETURN v_live;
END $$;
