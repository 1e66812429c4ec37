"""The visit of one request: the state machine of all adapters."""

from monite_auth import Principal
from monite_auth.adapter import Visit

ANNA = Principal("anna", session_id="1")
ANNA_AT_BOOKS = Principal("anna", "books", session_id="1")
ANNA_AGAIN = Principal("anna", session_id="2")
VIKTOR = Principal("viktor", session_id="3")


def visit_of(*arrived, source="session"):
    visit = Visit()
    visit.arrive(source, *arrived)
    return visit


def test_who_is_still_there_has_not_left():
    assert visit_of(ANNA).leave("session", ANNA) == []


def test_another_tenant_of_the_same_session_is_no_logout():
    assert visit_of(ANNA).leave("session", ANNA_AT_BOOKS) == []


def test_promise_5_who_is_no_longer_named_has_left_once():
    visit = visit_of(ANNA)
    assert visit.leave("session", None) == [ANNA]
    assert visit.leave("session", None) == []
    assert visit.leave_all() == []


def test_promise_5_another_login_of_the_same_user_is_another_session():
    visit = visit_of(ANNA)
    assert visit.leave("session", ANNA_AGAIN) == [ANNA]
    assert visit.leave("session", None) == [ANNA_AGAIN]


def test_promise_5_one_source_is_enough_to_end_a_session():
    visit = visit_of(ANNA)
    visit.arrive("identify", ANNA)
    assert visit.leave("identify", None) == [ANNA]
    assert visit.leave("session", None) == []


def test_a_source_that_is_not_asked_ends_nothing():
    visit = visit_of(ANNA)
    visit.arrive("identify", VIKTOR)
    assert visit.leave("session", ANNA) == []


def test_promise_5_who_acted_within_the_request_and_is_gone_at_its_end_has_left():
    visit = visit_of(None)
    visit.act("session", ANNA)
    assert visit.leave("session", VIKTOR) == [ANNA]


def test_an_impersonation_ends_alone_and_with_its_session():
    visit = visit_of(VIKTOR, ANNA)
    assert visit.leave("session", VIKTOR) == [ANNA]
    visit.act("session", ANNA_AGAIN)
    assert visit.leave_all() == [VIKTOR, ANNA_AGAIN]


def test_a_session_that_the_app_has_ended_itself_is_not_ended_again():
    visit = visit_of(ANNA)
    visit.note_logout(ANNA)
    assert visit.leave("session", None) == []


def test_a_login_is_told_once():
    visit = visit_of(None)
    visit.act("session", ANNA)
    assert visit.has_begun(ANNA)
    assert not visit.has_begun(ANNA)
    assert not visit.has_begun(ANNA_AT_BOOKS)


def test_who_arrived_has_not_just_logged_in_and_nobody_has_not_either():
    visit = visit_of(ANNA)
    assert not visit.has_begun(ANNA)
    assert not visit.has_begun(None)
    assert not visit.has_begun(Principal("anna"))
    visit.note_login(VIKTOR)
    assert not visit.has_begun(VIKTOR)
