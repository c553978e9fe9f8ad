"""The link that the first start prints."""

from __future__ import annotations

import re

from sqlalchemy import text

from app.operators.bootstrap import ensure_first_key
from tests.harness.gateway import Gateway
from tests.web.browser import browser, sign_in


async def test_the_first_start_prints_a_link_that_signs_in_once(still_gate: Gateway) -> None:
    printed = await ensure_first_key(still_gate.rt)
    assert printed is not None
    found = re.search(r"http://\S+/app/sign-in#(rg_link_\S+)", printed)
    assert found
    async with browser(still_gate) as client, browser(still_gate) as late:
        assert (await sign_in(client, link=found[1])).status_code == 204
        me = (await client.get("/api/v1/me")).json()
        assert (me["name"], me["operates"]) == ("admin", True)
        assert (await sign_in(late, link=found[1])).status_code == 401
    assert await ensure_first_key(still_gate.rt) is None


async def test_an_old_link_opens_nothing(still_gate: Gateway) -> None:
    printed = await ensure_first_key(still_gate.rt)
    assert printed is not None
    link = printed.partition("sign-in#")[2].split()[0]
    async with still_gate.rt.db.single() as tx:
        await tx.execute(text("UPDATE sign_in_links SET expires_at = now()"))
    async with browser(still_gate) as client:
        assert (await sign_in(client, link=link)).status_code == 401
