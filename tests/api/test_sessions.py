"""A member sees in which browsers it is signed in, and ends any of them."""

from __future__ import annotations

from uuid import uuid4

from tests.harness.gateway import Gateway
from tests.web.browser import OWN, browser, sign_in


async def test_a_member_lists_and_ends_its_own_sessions(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member(), await still_gate.member("bob")
    async with (
        browser(still_gate) as here,
        browser(still_gate) as there,
        browser(still_gate) as his,
    ):
        for client, key in ((there, ada), (here, ada), (his, bob)):
            await sign_in(client, key=key)
        found = (await here.get("/api/v1/sessions")).json()["data"]
        assert [one["current"] for one in found].count(True) == 1
        assert {(one["method"], one["key_prefix"], one["browser"]) for one in found} == {
            ("key", ada[:11], "Odd/1")
        }
        (other,) = [one["id"] for one in found if not one["current"]]
        assert (await his.delete(f"/api/v1/sessions/{other}", headers=OWN)).status_code == 404
        assert (await here.delete(f"/api/v1/sessions/{other}", headers=OWN)).status_code == 204
        assert (await there.get("/api/v1/me")).status_code == 401
        assert len((await here.get("/api/v1/sessions")).json()["data"]) == 1
        assert (await here.delete(f"/api/v1/sessions/{other}", headers=OWN)).status_code == 404
    # What a page can do, the API can do.
    with_key = await still_gate.http.get("/api/v1/sessions", headers={"API-KEY": ada})
    assert [one["current"] for one in with_key.json()["data"]] == [False]
    gone = await still_gate.http.delete(f"/api/v1/sessions/{uuid4()}", headers={"API-KEY": ada})
    assert gone.json()["code"] == "not_found"
