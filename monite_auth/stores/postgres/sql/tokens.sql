-- Tokens and leases: claim, commit, abandon, discard. The peek is a statement of its own (tokens.py). monite_auth.stores.memory decides
-- alike, where the rules are easier to read. When a mint is over, its slot's name goes to the processes that wait for it (listener.py).

CREATE FUNCTION monite_auth.claim(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_slot text, p_slot_session text,
    p_is_person boolean, p_session text, p_session_id text,
    p_at double precision, p_by double precision, p_wall double precision, p_memory double precision,
    p_owner text, p_lease text, p_seconds double precision, p_min_life double precision, p_unopened text,
    p_listens boolean,
    OUT kind text, OUT print text, OUT sealed bytea, OUT expires_at timestamptz, OUT issued_at timestamptz,
    OUT renew_at timestamptz, OUT now timestamptz
) LANGUAGE plpgsql AS $$
-- `p_session` names the principal's session, by its ID or its date, and `p_session_id` by its ID only. `p_unopened`: digests of sealed
-- values that the caller could not open, which count as missing.
#variable_conflict use_column
DECLARE
    v_ending text;
    v_mint monite_auth.mints;
BEGIN
    now := monite_auth.enter(p_account, p_stamp, p_clock, p_user);
    PERFORM monite_auth.lose_if_it_crashes();
    IF p_is_person THEN
        v_ending := monite_auth.ending_of(
            p_account, p_user, p_session, p_session_id IS NOT NULL, p_at, p_by, p_wall, p_memory, now);
        IF v_ending IS NOT NULL THEN
            kind := v_ending;
            RETURN;
        END IF;
        PERFORM monite_auth.begin(p_account, p_user, p_session_id,
            least(now, monite_auth.began(p_by, p_at, p_wall, now)), p_memory, now);
    END IF;
    SELECT token.print, token.sealed, token.expires_at, token.issued_at, token.renew_at
    INTO print, sealed, expires_at, issued_at, renew_at
    FROM monite_auth.tokens AS token
    WHERE token.slot = p_slot AND token.state = 'live' AND token.expires_at > now
        AND token.expires_at >= now + monite_auth.seconds(p_min_life)
        AND strpos(p_unopened, encode(sha256(token.sealed), 'hex')) = 0
        -- `end_everything` is on its way to it.
        AND NOT EXISTS (
            SELECT FROM monite_auth.accounts AS account WHERE account.account = p_account AND token.id <= account.ending_to);
    IF FOUND THEN
        kind := 'hit';
        RETURN;
    END IF;
    SELECT account.cooldown, account.cooldown_until INTO sealed, expires_at FROM monite_auth.accounts AS account
    WHERE account.account = p_account AND account.cooldown_until > now
        AND strpos(p_unopened, encode(sha256(account.cooldown), 'hex')) = 0;
    IF FOUND THEN
        kind := 'everyone cools down';
        RETURN;
    END IF;
    SELECT * INTO v_mint FROM monite_auth.mints AS mint WHERE mint.slot = p_slot;
    IF v_mint.cooldown_until > now AND strpos(p_unopened, encode(sha256(v_mint.cooldown), 'hex')) = 0 THEN
        kind := 'slot cools down';
        sealed := v_mint.cooldown;
        expires_at := v_mint.cooldown_until;
        RETURN;
    END IF;
    IF v_mint.owner <> p_owner AND v_mint.lease_until > now THEN
        kind := 'busy';
        expires_at := v_mint.lease_until;
        IF p_listens AND NOT v_mint.awaited THEN
            UPDATE monite_auth.mints AS mint SET awaited = true WHERE mint.slot = p_slot;
        END IF;
        RETURN;
    END IF;
    INSERT INTO monite_auth.mints AS mint (slot, account, user_name, session_name, lease, owner, lease_until, until)
    VALUES (p_slot, p_account, p_user, p_slot_session, p_lease, p_owner, now + monite_auth.seconds(p_seconds),
        now + monite_auth.seconds(p_seconds + {LATE}))
    ON CONFLICT (slot) DO UPDATE SET
        lease = excluded.lease, owner = excluded.owner, lease_until = excluded.lease_until, until = excluded.until,
        fenced = false, cooldown = NULL, cooldown_until = '-infinity';
    kind := 'claimed';
    IF random() < {SWEEP_SHARE} THEN
        PERFORM monite_auth.sweep(p_clock, {SWEEP_LIMIT}, now);
    END IF;
END $$;

CREATE FUNCTION monite_auth.tell(p_slot text, p_awaited boolean) RETURNS void LANGUAGE plpgsql AS $$
-- Tells that the mint for a slot is over, if anybody listens for it: PostgreSQL lets only one transaction at a time commit that notifies.
BEGIN
    IF p_awaited THEN
        PERFORM pg_notify('{CHANNEL}', p_slot);
    END IF;
END $$;

CREATE FUNCTION monite_auth.revoke_oldest(
    p_clock double precision[], p_user text, p_slot text, p_state text, p_keep integer, p_now timestamptz
) RETURNS void LANGUAGE sql AS $$
-- Makes tokens of a user, or of one slot, pending that are in a state, but for the youngest: so many are kept.
    UPDATE monite_auth.tokens SET state = 'pending', due_at = p_now, pending_since = p_now WHERE id IN (
        SELECT id FROM monite_auth.tokens
        WHERE user_name = p_user AND state = p_state AND state <> 'pending'
            AND expires_at > monite_auth.over_before(p_clock, p_now) AND (p_slot IS NULL OR slot = p_slot)
        ORDER BY issued_at DESC OFFSET p_keep
    )
$$;

CREATE FUNCTION monite_auth.commit(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_slot text, p_slot_session text,
    p_lease text, p_print text, p_sealed bytea,
    p_left double precision, p_life double precision, p_renew_in double precision
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, p_user, p_print);
    v_fenced boolean;
    v_awaited boolean;
    v_many bigint;
BEGIN
    -- The same call may come twice, since its answer can be lost: then the token is there under the lease that it used up.
    IF monite_auth.is_doomed(p_print, v_now) THEN
        RETURN 'doomed';
    END IF;
    DELETE FROM monite_auth.mints WHERE slot = p_slot AND lease = p_lease RETURNING fenced, awaited INTO v_fenced, v_awaited;
    PERFORM monite_auth.tell(p_slot, v_awaited);
    IF v_fenced IS DISTINCT FROM false THEN
        PERFORM monite_auth.insert_token(p_account, 'pending', p_slot, p_user, p_slot_session, p_print, p_sealed,
            p_left, p_life, p_renew_in, v_now);
        RETURN 'fenced';
    END IF;
    DELETE FROM monite_auth.tokens WHERE print = p_print AND slot = p_slot AND state <> 'pending';
    UPDATE monite_auth.tokens SET state = 'superseded' WHERE slot = p_slot AND state = 'live';
    PERFORM monite_auth.insert_token(p_account, 'live', p_slot, p_user, p_slot_session, p_print, p_sealed,
        p_left, p_life, p_renew_in, v_now);
    SELECT count(*) INTO v_many FROM monite_auth.tokens WHERE user_name = p_user AND state <> 'pending';
    IF v_many > {MOST_SUPERSEDED} THEN
        PERFORM monite_auth.revoke_oldest(p_clock, p_user, p_slot, 'superseded', {MOST_SUPERSEDED}, v_now);
    END IF;
    IF v_many > {MOST_SLOTS} THEN
        PERFORM monite_auth.revoke_oldest(p_clock, p_user, NULL, 'live', {MOST_SLOTS}, v_now);
        PERFORM monite_auth.revoke_oldest(p_clock, p_user, NULL, 'superseded', {MOST_SLOTS}, v_now);
    END IF;
    RETURN 'stored';
END $$;

CREATE FUNCTION monite_auth.abandon(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_slot text, p_lease text,
    p_seconds double precision, p_cooldown bytea, p_everyone boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, p_user);
BEGIN
    PERFORM monite_auth.lose_if_it_crashes();
    PERFORM monite_auth.tell(p_slot, (SELECT awaited FROM monite_auth.mints WHERE slot = p_slot AND lease = p_lease));
    IF p_cooldown IS NULL OR p_everyone THEN
        DELETE FROM monite_auth.mints WHERE slot = p_slot AND lease = p_lease;
    ELSE
        UPDATE monite_auth.mints SET
            lease = NULL, owner = NULL, awaited = false, cooldown = p_cooldown,
            cooldown_until = v_now + monite_auth.seconds(p_seconds), until = v_now + monite_auth.seconds(p_seconds)
        WHERE slot = p_slot AND lease = p_lease;
    END IF;
    IF p_everyone THEN
        UPDATE monite_auth.accounts SET cooldown = p_cooldown, cooldown_until = v_now + monite_auth.seconds(p_seconds)
        WHERE account = p_account;
    END IF;
END $$;

CREATE FUNCTION monite_auth.discard(p_account text, p_stamp text, p_clock double precision[], p_user text, p_slot text, p_print text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM monite_auth.enter(p_account, p_stamp, p_clock, p_user);
    UPDATE monite_auth.tokens SET state = 'superseded' WHERE slot = p_slot AND state = 'live' AND print = p_print;
END $$;
