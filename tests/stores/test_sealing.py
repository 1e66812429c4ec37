"""Promises 1 and 9 in what the stores seal with: which key opens what, before, during and after a rotation."""

import itertools

import pytest

from monite_auth import EntityUser, Principal, Secret
from monite_auth.identity import PARTNER
from monite_auth.stores import PARTNER_SLOT, Cooldown, Slot
from monite_auth.stores.sealing import Envelope, Seal, SealBroken, Vault
from monite_auth.stores.sealing.envelope import WRAPPED_BYTES

ONE, TWO, THREE = (Secret(f"key number {number}, long enough") for number in (1, 2, 3))


class File:
    """What lies in a store: an envelope, and a value that was sealed when it was new."""

    def __init__(self, *keys, numbered=True):
        opened = Envelope(keys).new()
        self.content = opened.content
        if not numbered:
            self.content = {name: value[:WRAPPED_BYTES] for name, value in self.content.items()}
        self.names = opened.seal.name("user", "alice")
        self.value = opened.seal.seal("sealed at first", "here")

    def open(self, *keys):
        """Open the envelope as a process with these keys does, and leave what has to lie there."""
        opened = Envelope(keys).open(self.content)
        if opened is not None:
            self.content = opened.content
            assert opened.seal.name("user", "alice") == self.names
            assert opened.seal.open(self.value, "here") == "sealed at first"
        return opened and opened.seal

    def opens_with(self, *keys):
        return Envelope(keys).open(self.content) is not None


def test_an_envelope_opens_with_each_key_that_it_was_wrapped_by_and_no_other():
    file = File(ONE)
    assert file.opens_with(ONE)
    assert file.opens_with(TWO, ONE)
    assert not file.opens_with(TWO)


def test_what_opens_nothing_new_leaves_the_envelope_as_it_is():
    file = File(ONE)
    before = dict(file.content)
    file.open(ONE)
    file.open(ONE, TWO)
    assert file.content == before


def test_a_new_key_is_wrapped_by_and_the_former_opens_until_it_is_taken_out():
    file = File(ONE)
    seal = file.open(TWO, ONE)
    assert file.opens_with(ONE)
    assert file.opens_with(TWO)
    assert seal.id == file.open(ONE).id


def test_a_key_that_was_taken_out_opens_nothing_any_more():
    file = File(ONE)
    file.open(TWO, ONE)
    stolen = file.open(ONE)
    seal = file.open(TWO)
    assert not file.opens_with(ONE)
    assert len(file.content) == 3  # one wrapping, the names key, and a former data key
    assert seal.id != stolen.id
    with pytest.raises(SealBroken):
        stolen.open(seal.seal("sealed later", "here"), "here")


def test_what_was_sealed_before_opens_and_names_stay_over_many_rotations():
    keys = [Secret(f"key {number} of many, long enough") for number in range(6)]
    file = File(keys[0])
    for before, after in itertools.pairwise(keys):
        file.open(after, before)
        file.open(after)
    assert [file.opens_with(key) for key in keys] == [False] * 5 + [True]


def test_a_worker_with_an_older_configuration_takes_nothing_out():
    file = File(ONE)
    file.open(TWO, ONE)
    file.open(ONE)
    file.open(ONE)
    assert file.opens_with(TWO)
    assert file.open(TWO, ONE).id == file.open(ONE).id


def test_a_worker_with_both_keys_does_not_bring_the_former_back():
    file = File(ONE)
    file.open(TWO, ONE)
    seal = file.open(TWO)
    assert file.open(TWO, ONE).id == seal.id
    assert not file.opens_with(ONE)


def test_two_rotations_may_overlap():
    file = File(ONE)
    file.open(TWO, ONE)
    file.open(THREE, TWO)
    assert not file.opens_with(ONE)
    assert file.opens_with(TWO)
    file.open(TWO)  # a worker that is one rotation behind
    assert file.opens_with(THREE)
    file.open(THREE)
    assert not file.opens_with(TWO)


@pytest.mark.parametrize("order", list(itertools.permutations([(ONE,), (TWO, ONE), (TWO,)])))
def test_in_whatever_order_workers_open_it_what_is_configured_last_opens(order):
    file = File(ONE)
    file.open(TWO, ONE)
    for keys in order:
        file.open(*keys)
    assert file.open(TWO) is not None
    assert not file.opens_with(ONE)


def test_a_rotation_that_is_taken_back_is_one_to_the_key_before():
    file = File(ONE)
    file.open(TWO, ONE)
    file.open(ONE, TWO)
    file.open(ONE)
    assert not file.opens_with(TWO)
    assert file.open(ONE) is not None


def test_two_workers_that_list_the_same_keys_differently_lock_nobody_out():
    file = File(ONE)
    first = file.open(TWO, ONE)
    for _ in range(5):
        for keys in ((ONE, TWO), (TWO, ONE)):
            assert file.open(*keys).id == first.id
    assert file.opens_with(ONE)
    assert file.opens_with(TWO)


def test_wrappings_of_older_versions_have_no_number_and_come_before_all_others():
    file = File(ONE, numbered=False)
    assert file.open(ONE) is not None
    file = File(ONE, numbered=False)
    file.open(TWO, ONE)
    file.open(TWO)
    assert not file.opens_with(ONE)


def test_a_former_key_of_an_older_version_goes_when_nobody_has_it_any_more():
    """Older versions took no wrapping out: both keys are there, and neither has a number."""
    file = File(ONE, numbered=False)
    seen = file.open(TWO, ONE)
    file.content = {name: value[:WRAPPED_BYTES] for name, value in file.content.items()}
    assert file.open(TWO).id != seen.id
    assert not file.opens_with(ONE)


def test_keys_may_be_a_function_that_is_asked_at_each_opening():
    keys = [ONE]
    envelope = Envelope(lambda: keys)
    content = envelope.new().content
    keys[:] = [TWO, ONE]
    content = envelope.open(content).content
    keys[:] = [TWO]
    content = envelope.open(content).content
    assert Envelope([ONE]).open(content) is None


def test_an_envelope_that_was_tampered_with_does_not_open():
    file = File(ONE)
    ((name, value),) = file.content.items()
    for broken in (value[:-8] + b"xxxxxxxx", b"", value[:20], bytes(64)):
        assert Envelope([ONE]).open({name: broken}) is None


def test_a_wrapping_under_another_keys_name_does_not_open():
    first, second = File(ONE), File(TWO)
    swapped = dict(zip(first.content, second.content.values(), strict=True))
    assert Envelope([ONE]).open(swapped) is None


def test_who_has_sealed_everything_anew_can_do_without_former_data_keys():
    file = File(ONE)
    file.open(TWO, ONE)
    stolen = file.open(ONE)
    opened = Envelope([TWO]).open(file.content)
    assert len(opened.seal.knows) == 2
    alone = opened.without_formers()
    assert alone.seal.knows == {alone.seal.id} == {opened.seal.id}
    assert alone.seal.name("user", "alice") == file.names
    assert alone.seal.open(opened.seal.seal("anew", "here"), "here") == "anew"
    with pytest.raises(SealBroken):
        alone.seal.open(stolen.seal("forged", "here"), "here")
    again = Envelope([TWO]).open(alone.content)
    assert again.content == alone.content
    assert again.seal.knows == alone.seal.knows
    assert again.seal.name("user", "alice") == file.names
    assert opened.seal.open(file.value, "here") == "sealed at first"


def test_promise_1_what_is_sealed_for_one_place_opens_in_no_other():
    seal = Envelope([ONE]).new().seal
    sealed = seal.seal("t", "ab", "c")
    assert seal.open(sealed, "ab", "c") == "t"
    for place in (("a", "bc"), ("abc",), ("ab", "c", ""), ()):
        with pytest.raises(SealBroken):
            seal.open(sealed, *place)


def test_promise_1_each_account_has_names_of_its_own():
    one, other = Envelope([ONE]).new().seal, Envelope([ONE]).new().seal
    assert one.name("user", "alice") != other.name("user", "alice")
    assert one.name("user", None) != one.name("user", "")
    assert one.name("a", "b") != one.name("ab")


# -- formats: what lies in a store of an earlier version has to stay readable

EARLIER = Vault(Seal(bytes(range(32))))
ENVELOPE = {
    "b101a6361d0569aa": "be4611dbf270273ddd52823aad8b1cbfd43479a2731a4e2f3df92ab25edc587dd629154802d2fff20ded494af018fd3d"
    "87091136853f127dd5be97bc00000001"
}
TOKEN = (
    "2e95b4f51cfc2e57e5ed160161ce866d1066831fc287d42035ff5e41900a506c32b37225e2eaed9818f83957c52116f05e98dea9d93154b66c9c"
    "ecc591f63669b46c41ff1c9023d1ccc27a73973d2dc23a1f4f8043d724e13bb36345c78fb5ebd0f0f3516910f858bf36fc712064b3f4de5f7dff"
    "24fbda423400545ae391a98b8bec7a7fdc4b242ef8e541dd977a904ff1d59303ef47441a3e15e71e8774b9"
)
COOLDOWN = (
    "578292a4af8fba6ee664d020eab1dc574a724feae467ad0fd3181f660b052c3b9996762a33909095be5cd4c16fc90baf980fdcb98578c9051b98"
    "cd4c3315efdbe64e8d5072533abf99e0f75006a3e2fab39920b93ec6c5f822fddc10d753660f6c380681143c1c9646e17933974c7cdcf50b458c"
    "8e7bfdce922a65c41dd97a5ea7d28fce0c791727bf2305adc1adef9b2e79cb20cda020b7ffe53c"
)
NOTE = "39bccd0ab80674adc7454ce7b5a2147584773a75fd07eab580e99f4fffd942f01d"


def test_names_are_those_of_earlier_versions():
    assert EARLIER.data_key_id == "f707099aff8f50fe"
    assert EARLIER.user("alice") == "LiMwH9CFjM6uzGxMQCAGCQ"
    assert EARLIER.slot(PARTNER_SLOT) == "lFdhrwyu40G7cEtFQ6TenA"
    assert EARLIER.slot(PARTNER_SLOT) != EARLIER.user(PARTNER)
    assert EARLIER.session("alice", "1") == "1ElzmjGg7s2kaesZAhK9LA"
    assert EARLIER.principal(Principal("alice", session_id="1")) == "1ElzmjGg7s2kaesZAhK9LA"
    assert EARLIER.principal(Principal("alice", authenticated_at=1700000000.5)) == "h3AJrCYDMFFGGCtklQLxSQ"
    assert EARLIER.note("a", "b") == "go-ov-h8w7iVln25YyMzpw"
    assert EARLIER.fingerprint_name("e3316e2bafebb610") == "AtUWN-S56Ixw_-1BUxZRkw"


def test_values_that_earlier_versions_sealed_open():
    person = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")
    place = EARLIER.slot(Slot("alice", None, None))
    sealed, name = bytes.fromhex(TOKEN), EARLIER.fingerprint_name("e3316e2bafebb610")
    assert EARLIER.open_token(sealed, place, name) == (Secret("a token"), person)
    assert EARLIER.open_value(sealed, place, name) == Secret("a token")
    assert EARLIER.open_cooldown(bytes.fromhex(COOLDOWN), "place") == Cooldown(60.0, "c", "m")
    assert EARLIER.open_note(bytes.fromhex(NOTE), EARLIER.note("alice", "n")) == "noted"


def test_envelopes_of_earlier_versions_open():
    content = {name: bytes.fromhex(value) for name, value in ENVELOPE.items()}
    opened = Envelope([Secret("a key of the tests, long enough")]).open(content)
    assert opened.content == content
    assert opened.seal.name("user", "alice") == "jGUlpV5m9JNZD8l6OU5LiA"
