"""Two API processes behind nginx and behind Caddy at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from app.domain.limits import Limits
from tests.harness import database
from tests.harness.processes import Api, until
from tests.promises.site import Caller, Site, site
from tests.proxies.running import HOST, Front, front

FIRST, SECOND = "127.0.0.2", "127.0.0.3"
#: Where nginx is set to wait for 960 seconds, it waits for 16 here; its default of 60 would be 1.
PATIENT = {"proxy_read_timeout": "16s"}
AS_BY_DEFAULT = {"proxy_read_timeout": "1s"}
UNLIMITED = Limits(rate_per_minute=60_000, rate_burst=60_000, max_open=100_000, credit_limit=10**12)


@dataclass
class Place:
    site: Site
    #: The address of each API.
    apis: dict[str, Api]
    port: int
    fronts: dict[str, Front]

    def caller(self, kind: str, name: str) -> Caller:
        made = self.site.caller(self.apis[FIRST], f"{name}-{kind}", limits=UNLIMITED)
        return replace(made, http=self.fronts[kind].http)


def start_api(place: Site, host: str, port: int = 0) -> Api:
    return place.start_api(REELGATE_HOST=host, REELGATE_PORT=str(port))


@contextlib.contextmanager
def placed(postgres: database.Server, folder: Path) -> Iterator[Place]:
    with (
        postgres.fresh() as address,
        site(address, folder, REELGATE_PUBLIC_URL=f"https://{HOST}",
             REELGATE_TRUSTED_PROXIES="127.0.0.1") as running,
    ):  # fmt: skip
        first = start_api(running, FIRST)
        port = urlsplit(first.address).port
        assert port is not None
        second = start_api(running, SECOND, port)
        with (
            front("nginx", folder / "nginx", [FIRST, SECOND], port, **PATIENT) as nginx,
            front("caddy", folder / "caddy", [FIRST, SECOND], port) as caddy,
        ):
            until(lambda: first.http.get("/livez").is_success, "the first API answers")
            until(lambda: second.http.get("/livez").is_success, "the second API answers")
            fronts = {"nginx": nginx, "caddy": caddy}
            yield Place(running, {FIRST: first, SECOND: second}, port, fronts)
            # Whatever tests there were, their logs have a signature to leave out.
            for each in fronts.values():
                each.http.get("/media/lost?sig=canary", headers={"API-KEY": "rg_canary"})
        # Keys and signatures are in no log of theirs, also where an API did not answer.
        for each in fronts.values():
            logged = each.process.printed + each.process.errors
            assert "/media/" in logged
            assert not [word for word in ("rg_", "sig=") if word in logged]
