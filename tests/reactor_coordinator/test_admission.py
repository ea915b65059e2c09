"""Who may have a session, and what the others are told."""

from reactor_coordinator.admission import Admitted, Asked, House, Refused, admit
from reactor_coordinator.config import Limits
from reactor_coordinator.queue import Estimate
from reactor_coordinator.records import Key
from reactor_protocol.errors import (
    AuthenticationError,
    CapacityError,
    CreditsExhaustedError,
    QuotaExceededError,
    RateLimitedError,
)

KEY = Key("k", "demo", "rk_demo", "digest")


def asked(number: int = 1, *, key: str = "k", queue: bool = True, most: int | None = None, model: str = "m") -> Asked:
    return Asked(f"s{number}", key, "t", model, queue, most)


def verdict_on(request: Asked, house: House) -> Refused:
    (verdict,) = admit([request], house)
    assert isinstance(verdict, Refused)
    return verdict


def admitted(verdicts: list[Admitted | Refused]) -> list[str]:
    return [each.session_id for each in verdicts if isinstance(each, Admitted)]


def house(key: Key = KEY, limits: Limits | None = None, **there: object) -> House:
    return House(limits=limits or Limits(), now=1000.0, keys={key.id: key}, **there)  # type: ignore[arg-type]


def test_without_limits_everybody_is_admitted_in_order() -> None:
    assert admit([asked(1), asked(2)], house()) == [Admitted("s1"), Admitted("s2")]
    assert admit([], house()) == []


def test_a_key_that_cannot_be_used() -> None:
    revoked = Key("k", "demo", "rk_demo", "digest", revoked_at=5.0)
    expired = Key("k", "demo", "rk_demo", "digest", expires_at=1000.0)
    for refused in (
        verdict_on(asked(), house(revoked)),
        verdict_on(asked(), house(expired)),
        verdict_on(asked(key="x"), house()),
    ):
        assert type(refused.error) is AuthenticationError
        assert str(refused.error) == "the API key of this request is unknown, revoked or expired: use one that is valid"


def test_a_key_without_credit() -> None:
    refused = verdict_on(asked(), house(Key("k", "demo", "rk_demo", "digest", credit_s=0.0)))
    assert type(refused.error) is CreditsExhaustedError
    assert str(refused.error) == "the API key demo has no credit left: ask the operator of this server for more"
    assert refused.error.status == 402


def test_a_token_may_create_so_many_sessions_in_all() -> None:
    verdicts = admit([asked(1, most=3), asked(2, most=3)], house(created_by_token={"t": 2}))
    assert admitted(verdicts) == ["s1"]
    refused = verdicts[1]
    assert isinstance(refused, Refused)
    assert type(refused.error) is QuotaExceededError
    assert str(refused.error) == "this token has created 3 of 3 sessions (token_sessions): get a new token"
    assert refused.quota_type == "token_sessions"


def test_a_key_may_have_so_many_sessions_open() -> None:
    own = Key("k", "demo", "rk_demo", "digest", max_sessions=5)
    verdicts = admit([asked(1), asked(2)], house(own, Limits(sessions_per_key=1), open_by_key={"k": 4}))
    assert admitted(verdicts) == ["s1"]
    refused = verdicts[1]
    assert isinstance(refused, Refused)
    assert type(refused.error) is QuotaExceededError
    assert str(refused.error) == "5 of 5 sessions of this API key are open (open_sessions): end one of them first"
    assert (refused.quota_type, refused.error.status, refused.error.retry_after) == ("open_sessions", 403, None)


def test_the_house_rule_holds_for_a_key_without_a_limit_of_its_own() -> None:
    assert admitted(admit([asked(1), asked(2)], house(limits=Limits(sessions_per_key=1)))) == ["s1"]


def test_a_key_that_is_too_fast_is_told_when() -> None:
    own = Key("k", "demo", "rk_demo", "digest", sessions_per_minute=3)
    verdicts = admit([asked(1), asked(2)], house(own, recent_by_key={"k": [930.0, 952.5, 990.0]}))
    assert admitted(verdicts) == ["s1"]
    refused = verdicts[1]
    assert isinstance(refused, Refused)
    assert type(refused.error) is RateLimitedError
    assert str(refused.error) == "this API key may create 3 sessions a minute (sessions_per_minute): try again in 12 s"
    assert (refused.quota_type, refused.error.retry_after, refused.error.status) == ("sessions_per_minute", 12.5, 429)


def test_a_full_queue_says_when_a_place_is_likely_to_be_free() -> None:
    there = house(limits=Limits(queue_length=2), queued={"m": 1}, estimates={"m": Estimate(workers=10, session_s=30.0)})
    verdicts = admit([asked(1), asked(2), asked(3, model="n")], there)
    assert admitted(verdicts) == ["s1", "s3"]
    refused = verdicts[1]
    assert isinstance(refused, Refused)
    assert type(refused.error) is CapacityError
    assert str(refused.error) == "the queue for m is full (2 sessions wait): try again in 3 s"
    assert (refused.quota_type, refused.error.retry_after, refused.error.code) == (None, 3.0, "NO_CAPACITY")


def test_a_free_worker_needs_no_place_in_the_queue() -> None:
    verdicts = admit([asked(1), asked(2), asked(3)], house(limits=Limits(queue_length=0), idle={"m": 2}))
    assert admitted(verdicts) == ["s1", "s2"]


def test_who_will_not_wait_needs_a_worker_that_nobody_ahead_takes() -> None:
    there = house(queued={"m": 1}, idle={"m": 3}, estimates={"m": Estimate(workers=3, session_s=600.0)})
    verdicts = admit([asked(1), asked(2, queue=False), asked(3, queue=False)], there)
    assert admitted(verdicts) == ["s1", "s2"]
    refused = verdicts[2]
    assert isinstance(refused, Refused)
    assert type(refused.error) is CapacityError
    assert str(refused.error) == "no worker for m is free: try again in 60 s, or let the request wait in the queue"
    assert refused.error.retry_after == 60.0


def test_where_nothing_is_known_the_advice_is_five_seconds() -> None:
    assert verdict_on(asked(queue=False), house()).error.retry_after == 5.0


def test_the_first_reason_is_the_one_that_is_told() -> None:
    poor = Key("k", "demo", "rk_demo", "digest", credit_s=0.0, max_sessions=0, sessions_per_minute=0)
    none_open = Key("k", "demo", "rk_demo", "digest", max_sessions=0, sessions_per_minute=0)
    too_fast = Key("k", "demo", "rk_demo", "digest", sessions_per_minute=0)
    full = Limits(queue_length=0)
    assert type(verdict_on(asked(most=0), house(poor, full)).error) is CreditsExhaustedError
    assert verdict_on(asked(most=0), house(none_open, full)).quota_type == "token_sessions"
    assert verdict_on(asked(), house(none_open, full)).quota_type == "open_sessions"
    assert verdict_on(asked(), house(too_fast, full)).error.retry_after == 60.0
    assert type(verdict_on(asked(), house(limits=full)).error) is CapacityError
