"""What tests ask the journal."""

from __future__ import annotations

from tests.standin.oddities import ODDITIES
from tests.standin.raw import KEY, OTHER_KEY, create, exchange, get
from tests.standin.script import Point
from tests.standin.server import StandIn


async def test_a_create_sent_again_is_told_from_one_that_was_refused(stand_in: StandIn) -> None:
    stand_in.script.on(Point.POST, ODDITIES["limited"], prompt="refused first")
    stand_in.script.on(Point.POST, ODDITIES["reset_unread"], prompt="lost")
    for prompt in ("once", "refused first", "refused first", "lost", "lost"):
        await exchange(stand_in, create(prompt))
    journal = stand_in.journal
    assert journal.sent_twice() == {"lost": ["reset_unread", "plain"]}
    assert [len(journal.posts_for(prompt)) for prompt in ("once", "refused first")] == [1, 2]
    assert journal.billed("refused first") == stand_in.price


async def test_cookies_and_shared_connections_are_seen(stand_in: StandIn) -> None:
    await exchange(stand_in, create("plain"))
    assert stand_in.journal.cookies() == []
    assert stand_in.journal.shared_connections() == {}
    await exchange(
        stand_in,
        create("one", key=KEY, closes=False, headers=["Cookie: a=1", "cookie: b=2"]),
        create("two", key=OTHER_KEY),
    )
    assert stand_in.journal.cookies() == ["a=1", "b=2"]
    assert stand_in.journal.shared_connections() == {2: {KEY, OTHER_KEY}}


async def test_who_follows_an_odd_redirect_is_seen(stand_in: StandIn) -> None:
    await exchange(stand_in, get("/elsewhere/redirect"))
    assert [request.path for request in stand_in.journal.strays] == ["/elsewhere/redirect"]


async def test_what_is_no_request_is_a_failure(stand_in: StandIn) -> None:
    await exchange(stand_in, b"hello\r\n\r\n")
    assert stand_in.journal.failures == ["connection 1: hello"]
    stand_in.journal.failures.clear()


async def test_what_a_rule_waits_for_is_told_until_it_comes(stand_in: StandIn) -> None:
    stand_in.script.on(Point.POST, ODDITIES["reset"], prompt="comes")
    stand_in.script.on(Point.LOOK, ODDITIES["reset"], prompt="comes")
    assert stand_in.script.unmet() == {(Point.POST, "comes"), (Point.LOOK, "comes")}
    await exchange(stand_in, create("comes"))
    assert stand_in.script.unmet() == {(Point.LOOK, "comes")}


async def test_a_rule_for_ever_strikes_each_time(stand_in: StandIn) -> None:
    stand_in.script.on(Point.POST, ODDITIES["reset"], prompt="always", times=None)
    for _ in range(3):
        await exchange(stand_in, create("always"))
    await exchange(stand_in, create("never"))
    assert stand_in.journal.met == {"reset": 3}
