-- Notes, the account's envelope, and what people ask who look after the application.

CREATE FUNCTION monite_auth.put_note(
    p_account text, p_stamp text, p_clock double precision[], p_user text, p_note text, p_sealed bytea, p_seconds double precision
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := monite_auth.enter(p_account, p_stamp, p_clock, p_user);
BEGIN
    INSERT INTO monite_auth.notes (note, account, sealed, until)
    VALUES (p_note, p_account, p_sealed, v_now + monite_auth.seconds(p_seconds))
    ON CONFLICT (note) DO UPDATE SET sealed = excluded.sealed, until = excluded.until;
END $$;

CREATE FUNCTION monite_auth.delete_note(p_account text, p_stamp text, p_clock double precision[], p_user text, p_note text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM monite_auth.enter(p_account, p_stamp, p_clock, p_user);
    DELETE FROM monite_auth.notes WHERE note = p_note;
END $$;

CREATE FUNCTION monite_auth.swap_envelope(p_account text, p_former bytea, p_envelope bytea, p_stamp text)
RETURNS boolean LANGUAGE plpgsql AS $$
-- Puts an envelope in place of the former one, or of none; false if another process was faster.
BEGIN
    PERFORM monite_auth.enter_alone(p_account);
    IF p_former IS NULL THEN
        INSERT INTO monite_auth.accounts (account, stamp, envelope) VALUES (p_account, p_stamp, p_envelope)
        ON CONFLICT (account) DO NOTHING;
    ELSE
        UPDATE monite_auth.accounts SET envelope = p_envelope, stamp = p_stamp
        WHERE account = p_account AND envelope = p_former;
    END IF;
    RETURN FOUND;
END $$;
