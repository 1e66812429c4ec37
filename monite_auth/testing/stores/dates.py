"""Promise 5 for sessions that say when they began: which are known, which are too old, and what a second is."""

import pytest

from monite_auth.identity import Principal
from monite_auth.stores.values import Claimed, Ended, Hit
from monite_auth.testing.stores.driver import ALICE, HOME, StoreDriver

DAY = 24 * 3600.0


class DateContract:
    """Dates of logins, and endings."""

    def test_a_session_that_the_store_does_not_know_and_that_began_before_the_endings_is_over(
        self, driver: StoreDriver
    ) -> None:
        driver.put("t")
        driver.run(driver.ops.end_user("alice"))
        assert driver.has_ended(driver.dated(0.5, "before"))
        driver.advance(1.5)
        assert not driver.has_ended(driver.dated(0.5, "after"))

    def test_a_session_that_was_begun_is_judged_by_its_name_and_not_by_its_date(
        self, driver: StoreDriver
    ) -> None:
        driver.run(driver.ops.end_user("alice"))
        behind = driver.dated(300, "of a host whose clock is behind")
        assert driver.has_ended(behind)
        driver.run(driver.ops.begin_session(behind))
        assert isinstance(driver.claim(principal=behind), Claimed)
        driver.put("t", principal=behind)
        assert driver.peek(principal=behind) == "t"

    def test_a_session_that_was_begun_ends_with_all_others_whatever_its_date_says(
        self, driver: StoreDriver
    ) -> None:
        ahead = driver.dated(-299, "of a host whose clock is ahead")
        driver.run(driver.ops.begin_session(ahead))
        driver.run(driver.ops.end_user("alice"))
        assert driver.has_ended(ahead)

    def test_beginning_an_ended_session_again_does_not_revive_it(self, driver: StoreDriver) -> None:
        session = driver.dated(0)
        driver.run(driver.ops.begin_session(session))
        driver.run(driver.ops.end_session(session))
        driver.run(driver.ops.begin_session(session))
        driver.put("of another session")
        assert driver.peek(principal=session) is None
        assert driver.has_ended(session)
        driver.put("t", principal=driver.dated(0, "another"))
        assert driver.peek(principal=session) is None

    def test_a_session_without_an_id_has_nothing_to_be_known_by(self, driver: StoreDriver) -> None:
        driver.run(driver.ops.begin_session(Principal("alice")))
        driver.run(driver.ops.begin_session(Principal("alice", authenticated_at=driver.now)))
        driver.run(driver.ops.end_user("alice"))
        assert not driver.has_ended(Principal("alice"))

    @pytest.mark.parametrize("session", ["s", None])
    def test_a_login_within_the_second_of_an_ending_is_let_in(
        self, driver: StoreDriver, session: str | None
    ) -> None:
        driver.advance(0.4 - driver.now % 1)
        driver.advance(1)
        driver.run(driver.ops.end_user("alice"))
        assert not driver.has_ended(Principal("alice", session_id=session, authenticated_at=int(driver.now)))
        for seconds in (int(driver.now) - 1, driver.now - 0.2):
            other = session and f"began at {seconds}"
            assert driver.has_ended(Principal("alice", session_id=other, authenticated_at=seconds))

    def test_a_logout_within_the_second_of_its_login_is_final_all_the_same(self, driver: StoreDriver) -> None:
        for principal in (
            Principal("alice", session_id="s", authenticated_at=int(driver.now)),
            Principal("alice", authenticated_at=int(driver.now)),
        ):
            driver.put(f"t {principal.session_id}", principal=principal)
            driver.run(driver.ops.end_session(principal))
            assert driver.has_ended(principal)
            assert driver.peek(principal=principal) is None
            driver.put(f"u {principal.session_id}", principal=Principal("alice", session_id="another"))
            assert driver.peek(principal=principal) is None

    @pytest.mark.parametrize("session", ["s", None])
    def test_an_unknown_session_from_before_endings_are_remembered_has_to_log_in_again(
        self, driver: StoreDriver, session: str | None
    ) -> None:
        old = Principal("alice", session_id=session, authenticated_at=driver.now - 14 * DAY - 5)
        assert driver.claim(principal=old) == Ended(too_old=True)
        driver.put("t")
        assert driver.peek(principal=old) is None
        young = Principal("alice", session_id=session, authenticated_at=driver.now - 14 * DAY + 5)
        assert isinstance(driver.claim(principal=young), Hit)
        assert driver.peek(principal=young) == "t"

    def test_a_session_that_is_used_goes_on_beyond_that(self, driver: StoreDriver) -> None:
        session = driver.dated(0)
        for _ in range(5):
            driver.put("t", principal=session)
            driver.advance(5 * DAY)
        assert isinstance(driver.claim(principal=session), Claimed)

    def test_a_cookie_that_is_kept_fresh_does_not_outlive_the_memory_of_its_logout(
        self, driver: StoreDriver
    ) -> None:
        session = driver.dated(0)
        driver.put("t", principal=session)
        driver.run(driver.ops.end_session(session))
        for _ in range(20):
            driver.advance(DAY)
            assert driver.has_ended(session)

    @pytest.mark.parametrize("session", ["s", None])
    def test_a_session_whose_date_is_ahead_does_not_outlive_the_memory_of_its_logout(
        self, driver: StoreDriver, session: str | None
    ) -> None:
        ahead = driver.dated(-299, session)
        driver.put("t", principal=ahead)
        driver.run(driver.ops.end_session(ahead))
        driver.advance(14 * DAY + 200)
        assert driver.has_ended(ahead)
        driver.advance(200)
        assert driver.claim(principal=ahead) == Ended(too_old=True)

    @pytest.mark.parametrize("ending", ["end_user", "end_everything"])
    def test_a_session_from_before_the_end_of_all_does_not_outlive_the_memory_of_that(
        self, driver: StoreDriver, ending: str
    ) -> None:
        unused = driver.dated(60)
        driver.put("t")
        driver.run(driver.ops.end_user("alice") if ending == "end_user" else driver.ops.end_everything())
        for _ in range(20):
            driver.advance(DAY)
            assert driver.has_ended(unused)
        assert not driver.has_ended(driver.dated(60, "new"))

    def test_after_everything_has_ended_new_sessions_are_let_in(self, driver: StoreDriver) -> None:
        driver.put("t")
        driver.run(driver.ops.end_everything())
        assert driver.has_ended(ALICE)
        assert driver.has_ended(driver.dated(2, "old", user="carol"))
        driver.advance(2)
        assert not driver.has_ended(driver.dated(0, "new", user="carol"))
        driver.put("u", principal=driver.dated(0, "new"))
        assert driver.peek(HOME, driver.dated(0, "new")) == "u"

    @pytest.mark.parametrize("everybody", [False, True], ids=["of the user", "of everybody"])
    @pytest.mark.parametrize("ending_first", [False, True], ids=["login first", "ending first"])
    def test_a_login_and_an_ending_that_come_late_count_when_they_happened(
        self, driver: StoreDriver, everybody: bool, ending_first: bool
    ) -> None:
        before, after, known = (Principal("alice", session_id=name) for name in ("before", "after", "known"))
        driver.advance(100)

        def end() -> None:
            if everybody:
                driver.run(driver.ops.end_everything(ago=10))
            else:
                driver.run(driver.ops.end_user("alice", ago=10))

        def begin() -> None:
            driver.put("t", principal=known)  # it is used before the store hears of its login
            for principal, ago in ((before, 20), (known, 20), (after, 5)):
                driver.run(driver.ops.begin_session(principal, ago=ago))

        for late in (end, begin) if ending_first else (begin, end):
            driver.advance(0.1)
            late()
        assert driver.has_ended(before)
        assert driver.has_ended(known)
        assert driver.peek(principal=known) is None
        assert driver.pending() == ["t"]
        assert not driver.has_ended(after)

    @pytest.mark.parametrize("ending", ["end_user", "end_everything"])
    def test_an_ending_that_comes_late_spares_sessions_that_began_since(
        self, driver: StoreDriver, ending: str
    ) -> None:
        before = driver.dated(0, "before")
        driver.run(driver.ops.begin_session(before))
        driver.put("of before", principal=Principal("alice", session_id="used before"))
        driver.advance(20)  # the ending happened within this time, 15 seconds before it comes
        since = [driver.dated(300, "its login was reported"), Principal("alice", session_id="used since")]
        driver.run(driver.ops.begin_session(since[0]))
        driver.put("of since", principal=since[1])
        old = driver.dated(18, "an old one that was used since")
        driver.put("of an old one", principal=old)
        driver.advance(5)
        driver.put("once more", principal=since[1])
        if ending == "end_user":
            driver.run(driver.ops.end_user("alice", ago=15))
        else:
            driver.run(driver.ops.end_everything(ago=15))
        assert driver.peek(principal=since[1]) is None  # its token may be of before
        for ended in (
            before,
            Principal("alice", session_id="used before"),
            old,
            driver.dated(17, "unknown, before"),
        ):
            assert driver.has_ended(ended), ended.session_id
        for goes_on in (*since, driver.dated(13, "unknown, since")):
            assert not driver.has_ended(goes_on), goes_on.session_id
        driver.put("t", principal=since[1])
        assert driver.peek(principal=since[1]) == "t"

    def test_an_ending_of_sessions_without_an_id_that_comes_late_spares_those_that_began_since(
        self, driver: StoreDriver
    ) -> None:
        old, ended, since = (
            Principal("alice", authenticated_at=driver.now - ago) for ago in (30.5, 20.5, 5.5)
        )
        driver.run(driver.ops.end_session(ended, ago=10))
        assert driver.has_ended(old)
        assert driver.has_ended(ended)
        assert not driver.has_ended(since)

    @pytest.mark.parametrize("ending", ["end_user", "end_everything"])
    def test_an_ending_that_comes_late_takes_back_nothing_of_a_later_one(
        self, driver: StoreDriver, ending: str
    ) -> None:
        for ago in (0.0, 100.0):
            if ending == "end_user":
                driver.run(driver.ops.end_user("alice", ago=ago))
            else:
                driver.run(driver.ops.end_everything(ago=ago))
        assert driver.has_ended(driver.dated(50, "between the two"))
