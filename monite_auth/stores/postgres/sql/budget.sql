-- The request budget: the arithmetic of monite_auth/stores/budget.py and window.py, which explain it; a test holds them together. Callers
-- come one by one, each with the time at which its turn came: they enter with the account's name for a lock, as others do with a user's. An
-- earlier time would look like a clock that was set back. Times are seconds, as there.

CREATE FUNCTION monite_auth.budget_of(p_account text) RETURNS monite_auth.budgets LANGUAGE plpgsql AS $$
-- Returns an account's budget, locked until the end of the transaction.
DECLARE
    b monite_auth.budgets;
BEGIN
    SELECT * INTO b FROM monite_auth.budgets WHERE account = p_account FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO monite_auth.budgets (account) VALUES (p_account) ON CONFLICT (account) DO NOTHING;
        SELECT * INTO b FROM monite_auth.budgets WHERE account = p_account FOR UPDATE;
    END IF;
    RETURN b;
END $$;

CREATE FUNCTION monite_auth.save_budget(b monite_auth.budgets) RETURNS void LANGUAGE sql AS $$
    UPDATE monite_auth.budgets SET
        free_at = b.free_at, calls_free_at = b.calls_free_at, probe_next = b.probe_next, held = b.held, held_until = b.held_until,
        renewals_until = b.renewals_until, slowed_at = b.slowed_at, full_pace_at = b.full_pace_at, learned = b.learned,
        learned_until = b.learned_until, seen_at = b.seen_at, sent_at = b.sent_at, sent = b.sent
    WHERE account = b.account
$$;

CREATE FUNCTION monite_auth.epoch(p_moment timestamptz) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT extract(epoch FROM p_moment)::double precision
$$;

CREATE FUNCTION monite_auth.budget_moved(b monite_auth.budgets, p_now double precision)
RETURNS monite_auth.budgets LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_back double precision := p_now - b.seen_at;
BEGIN
    IF v_back < 0 THEN
        b.held := b.held + v_back;
        b.held_until := b.held_until + v_back;
        b.renewals_until := b.renewals_until + v_back;
        b.learned_until := b.learned_until + v_back;
        FOR i IN 1 .. cardinality(b.sent_at) LOOP
            b.sent_at[i] := b.sent_at[i] + v_back;
        END LOOP;
    END IF;
    b.seen_at := p_now;
    RETURN b;
END $$;

CREATE FUNCTION monite_auth.budget_pace(b monite_auth.budgets, p_virtual double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest({SLOWEST}, 1 - {RECOVERY} * greatest(0, b.full_pace_at - p_virtual))
$$;

CREATE FUNCTION monite_auth.budget_rate(b monite_auth.budgets, p_now double precision, p_limit double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_now < b.learned_until THEN least(p_limit, b.learned) ELSE p_limit END
        * monite_auth.budget_pace(b, greatest(p_now, b.held_until) - b.held)
$$;

CREATE FUNCTION monite_auth.budget_stopped(b monite_auth.budgets, p_now double precision, p_until double precision)
RETURNS monite_auth.budgets LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_start double precision := greatest(p_now, b.held_until);
BEGIN
    b.free_at := greatest(b.free_at, v_start - b.held);
    b.held := b.held + greatest(0, p_until - v_start);
    b.held_until := greatest(b.held_until, p_until);
    RETURN b;
END $$;

CREATE FUNCTION monite_auth.window_opens(
    b monite_auth.budgets, p_allowed double precision, p_span double precision, p_now double precision
) RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_room double precision := p_allowed;
BEGIN
    FOR i IN REVERSE cardinality(b.sent) .. 1 LOOP
        v_room := v_room - b.sent[i];
        IF v_room <= 0 THEN
            RETURN b.sent_at[i] + p_span;
        END IF;
    END LOOP;
    RETURN p_now;
END $$;

CREATE FUNCTION monite_auth.window_add(
    b monite_auth.budgets, p_allowed double precision, p_span double precision, p_now double precision
) RETURNS monite_auth.budgets LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_grain double precision := CASE WHEN p_allowed > {ENTRIES} THEN p_span / {ENTRIES} ELSE 0 END;
    v_moment double precision := CASE WHEN v_grain > 0 THEN ceil(p_now / v_grain) * v_grain ELSE p_now END;
    v_last integer := cardinality(b.sent);
    v_first integer := 1;
BEGIN
    WHILE v_first <= v_last AND b.sent_at[v_first] <= p_now - p_span LOOP
        v_first := v_first + 1;
    END LOOP;
    b.sent_at := b.sent_at[v_first:];
    b.sent := b.sent[v_first:];
    v_last := cardinality(b.sent);
    IF v_last > 0 AND b.sent_at[v_last] = v_moment THEN
        b.sent[v_last] := b.sent[v_last] + 1;
    ELSE
        b.sent_at := b.sent_at || v_moment;
        b.sent := b.sent || 1::double precision;
    END IF;
    RETURN b;
END $$;

CREATE FUNCTION monite_auth.take_turn(
    p_account text, p_at timestamptz, p_limit double precision, p_priority integer, p_ticket double precision,
    p_patience double precision, OUT admitted boolean, OUT wait double precision, OUT ticket double precision
) LANGUAGE plpgsql AS $$
-- Budget.admit. Priorities: 0 a user, 1 a call, 2 a renewal, 3 a revocation.
DECLARE
    v_now double precision := monite_auth.epoch(p_at);
    b monite_auth.budgets := monite_auth.budget_moved(monite_auth.budget_of(p_account), v_now);
    v_rate double precision := monite_auth.budget_rate(b, v_now, p_limit);
    v_allowed double precision := greatest(1, floor(v_rate));
    v_span double precision := greatest(1, 1 / v_rate) + {JITTER} + {RESERVE};
    v_interval double precision := (v_span + {LATENESS}) / v_allowed;
    v_virtual double precision := v_now - b.held;
    v_opens double precision := monite_auth.window_opens(b, v_allowed, v_span, v_now);
    v_due double precision;
BEGIN
    ticket := p_ticket;
    IF ticket IS NULL THEN
        ticket := greatest(b.free_at, v_virtual, CASE WHEN p_priority > 0 THEN b.calls_free_at END);
        wait := ticket - v_virtual;
        admitted := false;
        IF p_priority <= 1 THEN
            IF wait > p_patience THEN
                ticket := NULL;
                RETURN;
            END IF;
        ELSE
            wait := greatest(wait, v_opens - v_now, CASE WHEN p_priority = 3 THEN b.renewals_until - v_now END);
            IF wait > 0 THEN
                IF p_priority = 2 THEN
                    b.renewals_until := v_now + wait + 2 * v_interval;
                    PERFORM monite_auth.save_budget(b);
                END IF;
                ticket := NULL;
                RETURN;
            END IF;
        END IF;
        IF p_priority <> 1 THEN
            b.free_at := ticket + v_interval;
        ELSIF wait > 0 OR monite_auth.window_opens(b, floor((v_allowed + 1) / 2), v_span, v_now) > v_now THEN
            b.calls_free_at := ticket + v_interval;
        END IF;
    END IF;
    admitted := true;
    v_due := greatest(ticket, b.held_until - b.held, CASE WHEN p_priority = 1 THEN b.free_at END);
    IF v_virtual < v_due - {SHORTEST_WAIT} THEN
        wait := v_due - v_virtual;
    ELSIF v_opens > v_now + {SHORTEST_WAIT} THEN
        wait := v_opens - v_now;
        b := monite_auth.budget_stopped(b, v_now, v_opens);
    ELSE
        wait := 0;
        b := monite_auth.window_add(b, v_allowed, v_span, v_now);
        IF b.probe_next THEN
            b := monite_auth.budget_stopped(b, v_now, v_now + {PROBE});
            b.probe_next := false;
        END IF;
    END IF;
    PERFORM monite_auth.save_budget(b);
END $$;

CREATE FUNCTION monite_auth.admit(
    p_account text, p_stamp text, p_clock double precision[], p_limit double precision, p_priority integer,
    p_ticket double precision, p_patience double precision,
    OUT admitted boolean, OUT wait double precision, OUT ticket double precision
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM monite_auth.lose_if_it_crashes();
    SELECT turn.admitted, turn.wait, turn.ticket INTO admitted, wait, ticket
    FROM monite_auth.take_turn(p_account, monite_auth.enter(p_account, p_stamp, p_clock, p_account), p_limit, p_priority, p_ticket,
        p_patience) AS turn;
END $$;

CREATE FUNCTION monite_auth.hold(
    p_account text, p_stamp text, p_clock double precision[], p_seconds double precision, p_throttled boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now double precision := monite_auth.epoch(monite_auth.enter(p_account, p_stamp, p_clock, p_account));
    b monite_auth.budgets := monite_auth.budget_moved(monite_auth.budget_of(p_account), v_now);
    v_virtual double precision := greatest(v_now, b.held_until) - b.held;
BEGIN
    PERFORM monite_auth.lose_if_it_crashes();
    IF p_throttled AND v_virtual >= b.slowed_at + {ONE_EXCESS} THEN
        b.slowed_at := v_virtual;
        b.full_pace_at := v_virtual
            + (1 - greatest({SLOWEST}, {SLOWER} * monite_auth.budget_pace(b, v_virtual))) / {RECOVERY};
    END IF;
    b := monite_auth.budget_stopped(b, v_now, v_now + p_seconds);
    b.probe_next := true;
    PERFORM monite_auth.save_budget(b);
END $$;

CREATE FUNCTION monite_auth.lower_limit(
    p_account text, p_stamp text, p_clock double precision[], p_limit double precision
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now double precision := monite_auth.epoch(monite_auth.enter(p_account, p_stamp, p_clock, p_account));
    b monite_auth.budgets := monite_auth.budget_moved(monite_auth.budget_of(p_account), v_now);
BEGIN
    PERFORM monite_auth.lose_if_it_crashes();
    IF v_now >= b.learned_until OR b.learned >= p_limit THEN
        b.learned := p_limit;
        b.learned_until := v_now + {LIMIT_AGE};
        PERFORM monite_auth.save_budget(b);
    END IF;
END $$;

CREATE FUNCTION monite_auth.pace(
    p_account text, p_stamp text, p_clock double precision[], p_limit double precision,
    OUT held_for double precision, OUT rate double precision
) LANGUAGE plpgsql AS $$
-- Only reads, and waits for nobody.
DECLARE
    v_now double precision := monite_auth.epoch(monite_auth.store_time(p_account, p_stamp, p_clock));
    b monite_auth.budgets;
BEGIN
    SELECT * INTO b FROM monite_auth.budgets WHERE account = p_account;
    held_for := 0;
    rate := p_limit;
    IF FOUND THEN
        b := monite_auth.budget_moved(b, v_now);
        held_for := greatest(0, b.held_until - v_now);
        rate := monite_auth.budget_rate(b, v_now, p_limit);
    END IF;
END $$;

CREATE FUNCTION monite_auth.peek_in_turn(
    p_account text, p_stamp text, p_clock double precision[], p_slot text, p_user text, p_session text, p_has_id boolean,
    p_at double precision, p_by double precision, p_wall double precision, p_memory double precision,
    p_limit double precision, p_patience double precision,
    OUT print text, OUT sealed bytea, OUT expires_at timestamptz, OUT issued_at timestamptz, OUT renew_at timestamptz,
    OUT now timestamptz, OUT admitted boolean, OUT wait double precision, OUT ticket double precision
) LANGUAGE plpgsql AS $$
-- Peeks; where there is a token, takes a call's turn at the same moment.
#variable_conflict use_column
BEGIN
    now := monite_auth.enter(p_account, p_stamp, p_clock, p_account);
    PERFORM monite_auth.lose_if_it_crashes();
    IF p_has_id AND NOT EXISTS (
        SELECT FROM monite_auth.sessions AS session
        WHERE session.user_name = p_user AND session.session_name = p_session AND NOT session.ended AND session.until > now
    ) THEN
        RETURN;
    END IF;
    IF p_session IS NOT NULL AND NOT p_has_id
        AND monite_auth.ending_of(p_account, p_user, p_session, false, p_at, p_by, p_wall, p_memory, now) IS NOT NULL
    THEN
        RETURN;
    END IF;
    SELECT token.print, token.sealed, token.expires_at, token.issued_at, token.renew_at
    INTO print, sealed, expires_at, issued_at, renew_at
    FROM monite_auth.tokens AS token WHERE token.slot = p_slot AND token.state = 'live' AND token.expires_at > now;
    IF FOUND THEN
        SELECT turn.admitted, turn.wait, turn.ticket INTO admitted, wait, ticket
        FROM monite_auth.take_turn(p_account, now, p_limit, 1, NULL, p_patience) AS turn;
    END IF;
END $$;
