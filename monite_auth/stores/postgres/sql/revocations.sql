-- Pending revocations. The same value can be in several rows; what is decided about a pending one is decided about all of them.

CREATE FUNCTION monite_auth.due(
    p_account text, p_stamp text, p_clock double precision[], p_limit integer, p_seconds double precision,
    OUT id bigint, OUT slot text, OUT print text, OUT sealed bytea, OUT expires_at timestamptz, OUT attempts integer,
    OUT now timestamptz
) RETURNS SETOF record LANGUAGE plpgsql AS $$
-- The last row has no id: its `attempts` says how many were dropped because their tokens had expired, and its `expires_at` when the
-- next are due. Where everything is being ended, it does a step of that first.
#variable_conflict use_column
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, NULL);
    v_over timestamptz := monite_auth.over_before(p_clock, v_now);
    v_expired integer;
    v_is_ending boolean;
BEGIN
    PERFORM monite_auth.lose_if_it_crashes();
    v_is_ending := EXISTS (SELECT FROM monite_auth.accounts WHERE account = p_account AND ending_to IS NOT NULL)
        AND NOT (SELECT step.is_over FROM monite_auth.end_step(p_account, p_clock, v_now) AS step);
    DELETE FROM monite_auth.tokens WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM monite_auth.tokens AS token
        WHERE token.account = p_account AND token.state = 'pending' AND token.due_at <= v_now
            AND token.expires_at <= v_over
        LIMIT {MOST_EXPIRED} FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_expired = ROW_COUNT;
    RETURN QUERY
        WITH taken AS MATERIALIZED (
            SELECT token.id, token.print, token.due_at FROM monite_auth.tokens AS token
            WHERE token.account = p_account AND token.state = 'pending' AND token.due_at <= v_now
                AND token.expires_at > v_over
            ORDER BY token.due_at LIMIT p_limit FOR UPDATE SKIP LOCKED
        ), leased AS (
            UPDATE monite_auth.tokens AS token SET due_at = v_now + monite_auth.seconds(p_seconds)
            WHERE token.state = 'pending' AND token.print IN (SELECT taken.print FROM taken)
            RETURNING token.id, token.slot, token.print, token.sealed, token.expires_at, token.attempts
        )
        SELECT DISTINCT ON (leased.print) leased.id, leased.slot, leased.print, leased.sealed, leased.expires_at,
            leased.attempts, v_over + monite_auth.seconds({SAFETY})
        FROM leased JOIN taken ON taken.id = leased.id ORDER BY leased.print;
    RETURN QUERY
        SELECT NULL::bigint, NULL::text, NULL::text, NULL::bytea, (
            SELECT CASE WHEN v_is_ending THEN v_now ELSE min(token.due_at) END FROM monite_auth.tokens AS token
            WHERE token.account = p_account AND token.state = 'pending'
        ), v_expired, v_now;
END $$;

CREATE FUNCTION monite_auth.give_up(p_account text, p_stamp text, p_clock double precision[], p_id bigint) RETURNS void LANGUAGE plpgsql AS $$
-- Leaves a revocation that does not open until its token has expired.
BEGIN
    PERFORM monite_auth.enter(p_account, p_stamp, p_clock, NULL);
    UPDATE monite_auth.tokens SET due_at = expires_at + monite_auth.seconds({SAFETY}) WHERE id = p_id AND state = 'pending';
END $$;

CREATE FUNCTION monite_auth.condemn(p_account text, p_stamp text, p_clock double precision[], p_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz;
    v_print text;
    v_expires_at timestamptz;
BEGIN
    SELECT print INTO v_print FROM monite_auth.tokens WHERE id = p_id AND account = p_account AND state = 'pending';
    v_now := monite_auth.enter(p_account, p_stamp, p_clock, NULL, v_print);
    SELECT expires_at INTO v_expires_at FROM monite_auth.tokens WHERE id = p_id AND state = 'pending' AND print = v_print;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM monite_auth.tokens WHERE print = v_print AND state = 'live' AND expires_at > v_now) THEN
        DELETE FROM monite_auth.tokens WHERE print = v_print AND state = 'pending';
        RETURN false;
    END IF;
    DELETE FROM monite_auth.tokens WHERE print = v_print AND state <> 'pending';
    INSERT INTO monite_auth.condemned (print, account, until)
    VALUES (v_print, p_account, v_expires_at + monite_auth.seconds({SAFETY}))
    ON CONFLICT (print) DO UPDATE SET until = excluded.until;
    RETURN true;
END $$;

CREATE FUNCTION monite_auth.settle(p_account text, p_stamp text, p_clock double precision[], p_id bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM monite_auth.enter(p_account, p_stamp, p_clock, NULL);
    PERFORM monite_auth.lose_if_it_crashes();
    DELETE FROM monite_auth.tokens
    WHERE state = 'pending' AND print = (SELECT print FROM monite_auth.tokens WHERE id = p_id AND account = p_account);
END $$;

CREATE FUNCTION monite_auth.postpone(p_account text, p_stamp text, p_clock double precision[], p_id bigint, p_seconds double precision)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, NULL);
BEGIN
    PERFORM monite_auth.lose_if_it_crashes();
    UPDATE monite_auth.tokens SET due_at = v_now + monite_auth.seconds(p_seconds), attempts = attempts + 1
    WHERE state = 'pending' AND print = (SELECT print FROM monite_auth.tokens WHERE id = p_id AND account = p_account);
END $$;
