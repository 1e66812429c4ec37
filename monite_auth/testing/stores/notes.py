"""Notes: kept for their time, each for itself, and ended by nothing else."""

from monite_auth.identity import Principal
from monite_auth.testing.stores.driver import ALICE, StoreDriver


class NoteContract:
    """`put_note`, `get_note` and `delete_note`."""

    def test_a_note_is_kept_for_its_time_and_no_longer(self, driver: StoreDriver) -> None:
        assert driver.get_note() is None
        driver.put_note("what was found")
        driver.advance(99)
        assert driver.get_note() == "what was found"
        driver.advance(1)
        assert driver.get_note() is None

    def test_a_later_note_takes_the_place_of_the_one_before_and_begins_its_own_time(
        self, driver: StoreDriver
    ) -> None:
        driver.put_note("first", seconds=1000)
        driver.put_note("second", seconds=10)
        assert driver.get_note() == "second"
        driver.advance(10)
        assert driver.get_note() is None
        driver.put_note("third")
        assert driver.get_note() == "third"

    def test_promise_1_notes_do_not_mix(self, driver: StoreDriver) -> None:
        driver.put_note("alice's")
        driver.put_note("alice's abroad", name="link:abroad")
        driver.put_note("bob's", user="bob")
        assert [driver.get_note(), driver.get_note(user="bob")] == ["alice's", "bob's"]
        assert driver.get_note(name="link:abroad") == "alice's abroad"
        assert driver.get_note(user="alicelink", name="") is None
        driver.run(driver.ops.delete_note("alice", "link"))
        assert driver.get_note() is None
        assert [driver.get_note(name="link:abroad"), driver.get_note(user="bob")] == [
            "alice's abroad",
            "bob's",
        ]

    def test_a_note_may_say_anything(self, driver: StoreDriver) -> None:
        for value in ("", "ÅÄÖ \x00 \n", "x" * 5000):
            driver.put_note(value)
            assert driver.get_note() == value

    def test_no_ending_takes_a_note_with_it(self, driver: StoreDriver) -> None:
        driver.put("t", life=10)
        driver.put_note("stays", seconds=5000)
        driver.run(driver.ops.end_session(ALICE))
        driver.run(driver.ops.end_user("alice"))
        driver.run(driver.ops.relink("alice"))
        driver.advance(4000)
        driver.put("u", principal=Principal("alice", session_id="later"), life=10)
        assert driver.get_note() == "stays"

    def test_a_note_that_is_not_there_can_be_deleted(self, driver: StoreDriver) -> None:
        driver.run(driver.ops.delete_note("nobody", "link"))
        driver.put_note("x")
        for _ in range(2):
            driver.run(driver.ops.delete_note("alice", "link"))
        assert driver.get_note() is None
