"""A gateway as in production: one database, one archive folder, one upstream, and any number of API
and worker processes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg

from app.db.session import driver_conninfo
from app.domain.caller import Role
from app.domain.generation import CLOSED
from app.domain.limits import Limits
from app.errors import InvalidRequest
from app.members import keys, members, teams
from app.runtime import open_runtime
from tests.harness.actors import TESTER
from tests.harness.gateway import SIGNING_SECRET, body, settings_for
from tests.harness.processes import REELGATE, Api, Process, ending_processes, until

PRICE = 150_000
#: Several, so that no test waits for the upstream's limit of 180 requests a minute per key.
UPSTREAM_KEYS = {f"key{number}": f"canary-upstream-key-{number:04}" for number in range(1, 5)}


@dataclass(frozen=True, slots=True)
class Caller:
    """A member's key, used at one API process."""

    key: str
    http: httpx.Client

    def at(self, api: Api) -> Caller:
        return replace(self, http=api.http)

    def post(self, prompt: str, **headers: str) -> httpx.Response:
        """A create that waits for its small square video. `_` in a header name becomes a dash."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(
            "/api/features",
            json=body(prompt, aspectRatio="1:1"),
            headers={"API-KEY": self.key, **named},
        )

    def create(self, prompt: str, **headers: str) -> str:
        """The id of a new generation; the create does not wait for its video."""
        answer = self.post(prompt, Prefer="respond-async", **headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["aiRecord"]["uuid"])

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path, headers={"API-KEY": self.key})

    def me(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/api/v1/me").json()
        return found

    def generation(self, generation_id: str) -> dict[str, Any]:
        answer = self.get(f"/api/v1/generations/{generation_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def state(self, generation_id: str) -> str:
        return str(self.generation(generation_id)["state"])

    def newest(self) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = self.get("/api/v1/generations").json()["data"]
        return found[0] if found else None

    def until_submitting(self) -> str:
        """The id of the newest generation, once a worker is about to send it."""

        def look() -> str | None:
            newest = self.newest()
            return newest["id"] if newest and newest["state"] == "submitting" else None

        return until(look, "a worker submits")

    def until_state(self, generation_id: str, *states: str, seconds: float = 120) -> str:
        def look() -> str | None:
            state = self.state(generation_id)
            return state if state in states else None

        return until(look, f"{generation_id} is {' or '.join(states)}", seconds=seconds)

    def until_rest(self, generation_id: str, *, seconds: float = 120) -> str:
        closed = sorted(state.value for state in CLOSED)
        return self.until_state(generation_id, *closed, seconds=seconds)

    def until_archived(self, generation_id: str, *, seconds: float = 120) -> dict[str, Any]:
        """The video as the REST API shows it, once it is archived."""

        def look() -> dict[str, Any] | None:
            video: dict[str, Any] | None = self.generation(generation_id)["video"]
            return video if video and video["state"] == "archived" else None

        return until(look, f"{generation_id} is archived", seconds=seconds)


def until_a_request_waits(address: str, *, chars: int = 1) -> None:
    """Waits until the process at this address, which is frozen, has unread bytes of a request, and
    at least as many as these characters take."""
    port = f":{urlsplit(address).port:04X}"

    def look() -> bool:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        # State 01 is a connection. For a listening socket the queue counts connections.
        return any(
            local.endswith(port) and state == "01" and int(queues.partition(":")[2], 16) >= chars
            for _, local, _, state, queues, *_ in rows
        )

    until(look, "a request has arrived")


class Upstream:
    """The simulator's process, and requests to it."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.address = str(process.logged("simulator_started")["address"])
        self.http = httpx.Client(base_url=self.address, timeout=120, trust_env=False)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Freezes the process for the block. Its kernel still accepts connections, so requests to
        it stay in flight until the block ends."""
        self.process.pause()
        try:
            yield
        finally:
            self.process.resume()

    def until_a_request_waits(self, *, chars: int = 1) -> None:
        """Waits until the frozen process has unread bytes of a request. Workers also look at their
        keys: `chars` is more than such a look has, where a certain request is meant."""
        until_a_request_waits(self.address, chars=chars)

    def fault(self, name: str, prompt: str, *, path: str | None = None, **options: Any) -> None:
        """Makes the next request for this prompt get this fault."""
        match = {"prompt_contains": prompt, **({"path": path} if path else {})}
        rule = {"match": match, "times": 1, "fault": {"name": name, **options}}
        answer = self.http.post("/_simulator/rules", json=rule)
        assert answer.status_code == 201, answer.text

    def until_fault_hit(self, prompt: str, *, seconds: float = 120) -> None:
        """Waits until a request got the fault for this prompt."""

        def look() -> bool:
            rules = self.http.get("/_simulator/rules").json()["rules"]
            return any(rule["hits"] for rule in rules if rule["match"]["prompt_contains"] == prompt)

        until(look, f"a request got the fault for {prompt!r}", seconds=seconds)

    def counts(self, prompt: str) -> dict[str, int]:
        """How many submissions and records there are for this prompt, and what they billed."""
        prompts = self.http.get("/_simulator/summary").json()["prompts"]
        found: dict[str, int] = prompts.get(prompt, {"submitted": 0, "made": 0, "billed": 0})
        return found

    def video_sha256(self, prompt: str) -> str:
        """The hash of the video for this prompt, fetched from the simulator itself."""
        summary = self.http.get("/_simulator/summary").json()
        made = next(each for each in summary["submissions"] if each["prompt"] == prompt)
        for key in UPSTREAM_KEYS.values():
            headers = {"API-KEY": key}
            answer = self.http.get(f"/api/results/{made['uuid']}", headers=headers)
            record = answer.json().get("aiRecord")
            if record:
                return hashlib.sha256(self.http.get(record["temporaryUrl"]).content).hexdigest()
        raise AssertionError(f"no key knows {made['uuid']}")


class Site:
    """`settings` apply to every process; those given when it is started override them. `program` is
    what they run."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        started: list[Process],
        program: Path = REELGATE,
        /,
        **settings: str,
    ) -> None:
        self.folder = folder
        self._program = (program,)
        self._database_url = database_url
        self._started = started
        self._numbers = itertools.count(1)
        self.settings = {
            "DATABASE_URL": database_url,
            "ONEMIN_API_KEY": ",".join(f"{label}={key}" for label, key in UPSTREAM_KEYS.items()),
            # Nothing listens there, so nothing can be sent before a simulator is started.
            "ONEMIN_BASE_URL": "http://127.0.0.1:9",
            "REELGATE_DATA_DIR": str(folder / "data"),
            "REELGATE_SIGNING_SECRET": SIGNING_SECRET,
            "REELGATE_PORT": "0",
            "REELGATE_SIMULATOR_PORT": "0",
            "REELGATE_SIMULATOR_SPEED": "100000",
            "REELGATE_POLL_FIRST_SECONDS": "0.05",
            "REELGATE_POLL_SECONDS": "0.2",
            "REELGATE_WORKER_POLL_SECONDS": "0.1",
            "REELGATE_DRAIN_SECONDS": "10",
            **settings,
        }
        self._upstream: Upstream | None = None

    @property
    def upstream(self) -> Upstream:
        assert self._upstream is not None
        return self._upstream

    def start_upstream(self) -> None:
        self._upstream = Upstream(self.start("simulate"))
        self.settings["REELGATE_SIMULATOR_URL"] = self._upstream.address

    def close(self) -> None:
        if self._upstream is not None:
            self._upstream.http.close()

    def start(self, command: str, **settings: str) -> Process:
        name = f"{command}-{next(self._numbers)}"
        process = Process(
            command, folder=self.folder, name=name, settings=self.settings | settings,
            program=self._program,
        )  # fmt: skip
        self._started.append(process)
        return process

    def start_api(self, **settings: str) -> Api:
        name = f"serve-{next(self._numbers)}"
        api = Api(
            "serve", folder=self.folder, name=name, settings=self.settings | settings,
            program=self._program,
        )  # fmt: skip
        self._started.append(api)
        return api

    def start_worker(self, **settings: str) -> Process:
        return self.start("worker", **settings)

    def worker(self, **settings: str) -> Process:
        """Starts a worker and waits until it works."""
        worker = self.start_worker(**settings)
        worker.logged("worker_started")
        return worker

    def kill(self, worker: Process) -> None:
        """`kill -9`, and expires the worker's heartbeat."""
        worker.kill()
        self.expire_heartbeats()

    def expire_heartbeats(self) -> None:
        """Makes every present worker count as dead. A limit short enough for a test to wait for
        would also make workers count as dead whenever the machine is busy."""
        with psycopg.connect(driver_conninfo(self._database_url), autocommit=True) as connection:
            connection.execute(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
            )

    def use_up_rate(self, member: str) -> None:
        """The member creates nothing more for an hour: at one a minute, a slow program creates
        another one."""
        with psycopg.connect(driver_conninfo(self._database_url), autocommit=True) as connection:
            done = connection.execute(
                "UPDATE rate_states SET arrival_at = now() + interval '1 hour'"
                " WHERE member_id = (SELECT id FROM members WHERE name = %s)",
                [member],
            )
            assert done.rowcount == 1

    def end_workers(self) -> None:
        """Kills all workers, so that none works on for the next test."""
        for process in self._started:
            if process.name.startswith("worker") and process.running:
                process.resume()
                process.kill()

    def caller(
        self,
        api: Api,
        name: str,
        *,
        limits: Limits | None = None,
        team: str = "studio",
        team_credits: int | None = None,
        role: Role = Role.MEMBER,
    ) -> Caller:
        """A new member with a key. Creates the team if it does not exist."""
        made = self._member(name, team, team_credits, limits or Limits(), role)
        return Caller(asyncio.run(made), api.http)

    async def _member(
        self, name: str, team: str, credits_: int | None, limits: Limits, role: Role
    ) -> str:
        settings = settings_for(self._database_url, self.folder)
        async with open_runtime(settings) as rt:
            with contextlib.suppress(InvalidRequest):
                await teams.create_team(rt, team, credit_limit=credits_, actor=TESTER)
            await members.create_member(rt, team, name, role=role, limits=limits, actor=TESTER)
            key = await keys.create_key(rt, team, name, name="test", actor=TESTER)
            return key.secret

    def logs(self) -> str:
        return "\n".join(process.errors + process.printed for process in self._started)


@contextlib.contextmanager
def site(
    database_url: str,
    folder: Path,
    program: Path = REELGATE,
    /,
    *,
    upstream: bool = True,
    **settings: str,
) -> Iterator[Site]:
    with ending_processes() as started:
        running = Site(database_url, folder, started, program, **settings)
        try:
            if upstream:
                running.start_upstream()
            yield running
        finally:
            running.close()
        for secret in (*UPSTREAM_KEYS.values(), SIGNING_SECRET, "X-Amz-Signature"):
            assert secret not in running.logs()


def assert_paid_once(site: Site, caller: Caller, prompts: dict[str, str]) -> None:
    """The upstream has at most one submission for each prompt, and our ledger shows what it billed:
    settled, or still on hold if the outcome is unknown. `prompts` maps to generation ids."""
    used = 0
    for prompt, generation_id in prompts.items():
        generation, counts = caller.generation(generation_id), site.upstream.counts(prompt)
        assert counts["submitted"] <= 1, (prompt, counts)
        if generation["state"] == "unknown":
            assert generation["settled_credits"] is None
            assert counts["billed"] in (0, PRICE)
            used += PRICE
        else:
            assert generation["settled_credits"] == counts["billed"], prompt
            used += counts["billed"]
    assert caller.me()["credits"]["binding"]["used_credits"] == used
