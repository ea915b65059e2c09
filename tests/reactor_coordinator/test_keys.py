"""API keys: random, hashed, shown once."""

import hashlib

from reactor_coordinator.keys import digest, looks_like_key, new_key
from reactor_coordinator.records import Key, Role

TEMPLATE = Key(id="", name="shop", prefix="", digest="", role=Role.ADMIN, priority=3, max_sessions=2, created_at=5.0)


def test_a_key_keeps_the_properties_that_it_was_made_with() -> None:
    made = new_key(TEMPLATE).record
    assert (made.name, made.role, made.priority, made.max_sessions, made.created_at) == ("shop", Role.ADMIN, 3, 2, 5.0)
    assert made.id.startswith("key_")


def test_only_its_hash_and_its_beginning_are_kept() -> None:
    made = new_key(TEMPLATE)
    assert made.text.startswith("rk_")
    assert len(made.text) == 46
    assert made.record.digest == hashlib.sha256(made.text.encode()).hexdigest() == digest(made.text)
    assert made.record.prefix == made.text[:9]
    assert made.text not in repr(made)
    assert made.record.digest not in repr(made)


def test_no_two_are_alike() -> None:
    assert len({new_key(TEMPLATE).text for _ in range(100)}) == 100


def test_telling_keys_from_tokens() -> None:
    assert looks_like_key("rk_abc")
    assert not looks_like_key("eyJhbGciOiJFZERTQSJ9.e30.x")


def test_when_a_key_can_be_used() -> None:
    assert Key("k", "n", "p", "d").usable(1e12)
    assert Key("k", "n", "p", "d", expires_at=10.0).usable(9.9)
    assert not Key("k", "n", "p", "d", expires_at=10.0).usable(10.0)
    assert not Key("k", "n", "p", "d", revoked_at=5.0).usable(1.0)
