"""Publisher slots: first come, first served."""

from reactor_protocol.messages import Refusal
from reactor_runtime.slots import PublisherSlots


def test_the_first_client_gets_the_slot_and_the_second_is_told_why_not() -> None:
    slots = PublisherSlots()
    assert slots.claim("webcam", 1) is None
    assert slots.claim("webcam", 2) == Refusal(
        "publish_refused", "track already published: another client sends 'webcam'; ask it to unpublish first"
    )
    assert slots.holds("webcam", 1)
    assert not slots.holds("webcam", 2)


def test_the_holder_may_claim_again_and_other_tracks_are_free() -> None:
    slots = PublisherSlots()
    slots.claim("webcam", 1)
    assert slots.claim("webcam", 1) is None
    assert slots.claim("voice", 2) is None


def test_only_the_holder_gives_a_slot_back() -> None:
    slots = PublisherSlots()
    slots.claim("webcam", 1)
    slots.release("webcam", 2)
    assert slots.holds("webcam", 1)
    slots.release("webcam", 1)
    slots.release("webcam", 1)
    assert slots.claim("webcam", 2) is None


def test_a_client_that_goes_frees_all_its_slots_and_no_others() -> None:
    slots = PublisherSlots()
    slots.claim("webcam", 1)
    slots.claim("voice", 1)
    slots.claim("depth", 2)
    slots.release_all(1)
    assert slots.claim("webcam", 3) is None
    assert slots.claim("voice", 3) is None
    assert slots.holds("depth", 2)
