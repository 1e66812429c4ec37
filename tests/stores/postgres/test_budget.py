"""The request budget in PostgreSQL, whose callers wait for each other's row."""

from concurrent.futures import ThreadPoolExecutor

from monite_auth.processes.flows import run
from monite_auth.stores import Priority
from tests.stores.live import LiveGround

TRIPWIRE = (
    """CREATE FUNCTION monite_auth.time_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seen_at < OLD.seen_at THEN
        RAISE EXCEPTION 'the time of a caller who has waited';
    END IF;
    RETURN NEW;
END $$""",
    """CREATE TRIGGER time_goes_on BEFORE UPDATE ON monite_auth.budgets
FOR EACH ROW EXECUTE FUNCTION monite_auth.time_goes_on()""",
)

CALLERS, TURNS = 4, 40


def test_promise_8_who_waits_for_the_others_has_the_time_at_which_its_turn_comes(server, drive):
    """An earlier one looks like a clock that was set back, and moves what was sent out of the window."""
    ground = LiveGround(server.url)
    drive(ground, "blocking").admit()
    for statement in TRIPWIRE:
        server.query(statement)
    stores = [ground.open() for _ in range(CALLERS)]

    def take_turns(store):
        operations = store.operations(blocking=True)
        for _ in range(TURNS):
            run(operations.admit(Priority.USER, None, patience=60))

    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(take_turns, stores))
    for store in stores:
        store.close()
