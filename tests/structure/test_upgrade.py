"""`deploy/upgrade.sh` with a `docker` that writes down what it is asked: what is replaced, in which
order, and what stays where a step fails."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.structure.sources import ROOT

#: Answers as Compose does. `$STATE` holds the running containers, one file each; `$FAILS` is what
#: a failing call begins with.
_DOCKER = r"""#!/bin/sh
echo "$*" >> "$STATE/calls"
[ -n "${FAILS:-}" ] && case "$*" in "$FAILS"*) failing=1 ;; esac
service=; for word in "$@"; do service=$word; done
case "$*" in
    "compose port "*) [ "$3" = "$PUBLISHED" ] && echo 127.0.0.1:8080 || echo :0 ;;
    "compose ps --quiet "* | "compose ps --all --quiet "*)
        cd "$STATE" && ls | grep "^$service-" || true ;;
    *" --scale "*)
        number=1; for old in "$STATE/$service"-*; do touch "$STATE/$service-new$number"
        number=$((number + 1)); done ;;
    "compose run --detach "*) echo rehearsal ;;
    "inspect "*) echo "${REHEARSED:-true healthy}" ;;
    "rm "*) for word in "$@"; do rm -f "$STATE/$word"; done ;;
    "logs "*) echo "a line of $service" ;;
esac
exit "${failing:-0}"
"""


@dataclass
class Site:
    folder: Path

    def run(
        self, *, published: str = "api", fails: str = "", rehearsed: str = "true healthy"
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.folder}:{os.environ['PATH']}", "STATE": str(self.folder / "state"),
            "PUBLISHED": published, "FAILS": fails, "REHEARSED": rehearsed,
        }  # fmt: skip
        return subprocess.run(
            ["sh", str(ROOT / "deploy" / "upgrade.sh")], env=environment, capture_output=True,
            text=True,
        )  # fmt: skip

    @property
    def calls(self) -> list[str]:
        """What changes something."""
        lines = (self.folder / "state" / "calls").read_text().splitlines()
        reading = ("compose port", "compose ps", "compose logs", "logs", "inspect")
        return [line for line in lines if not line.startswith(reading)]

    @property
    def containers(self) -> set[str]:
        return {path.name for path in (self.folder / "state").glob("*-*")}


@pytest.fixture
def place(tmp_path: Path) -> Site:
    docker, state = tmp_path / "docker", tmp_path / "state"
    docker.write_text(_DOCKER)
    docker.chmod(0o755)
    state.mkdir()
    for name in ("worker-old1", "worker-old2", "api-old1"):
        (state / name).touch()
    return Site(tmp_path)


UP = "compose up --detach --no-deps --wait --wait-timeout 120"
BUILD, MIGRATE = "compose build migrate", "compose run --rm --no-deps migrate"
WORKER = [
    f"{UP} --no-recreate --scale worker=4 worker", "stop worker-old1 worker-old2",
    "rm --volumes worker-old1 worker-old2",
]  # fmt: skip
REHEARSAL = ["compose run --detach --no-deps api", "rm --force --volumes rehearsal"]


def test_one_step_after_the_other(place: Site) -> None:
    done = place.run()
    assert done.returncode == 0, done.stderr
    assert place.calls == [BUILD, MIGRATE, *WORKER, *REHEARSAL, f"{UP} api"]
    assert place.containers == {"worker-new1", "worker-new2", "api-old1"}


def test_an_api_without_a_port_of_the_machine_is_replaced_like_a_worker(place: Site) -> None:
    assert place.run(published="").returncode == 0
    assert place.calls[-3:] == [
        f"{UP} --no-recreate --scale api=2 api", "stop api-old1", "rm --volumes api-old1"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fails", "done"), [(BUILD, [BUILD]), (MIGRATE, [BUILD, MIGRATE])], ids=["build", "migrate"]
)
def test_a_first_step_that_fails_touches_nothing_that_runs(
    place: Site, fails: str, done: list[str]
) -> None:
    ended = place.run(fails=fails)
    assert ended.returncode == 1
    assert place.calls == done
    assert "see above" in ended.stderr


def test_a_worker_that_does_not_start_leaves_the_old_ones(place: Site) -> None:
    ended = place.run(fails=f"{UP} --no-recreate --scale worker")
    assert ended.returncode == 1
    assert place.containers == {"worker-old1", "worker-old2", "api-old1"}
    assert not any(shlex.split(call)[0] == "stop" for call in place.calls)
    assert "a line of worker-new1" in ended.stderr
    assert "goes on running" in ended.stderr


@pytest.mark.parametrize("state", ["false unhealthy", "true unhealthy", "false starting"])
def test_an_api_that_would_not_start_is_not_put_in_place_of_the_old_one(
    place: Site, state: str
) -> None:
    ended = place.run(rehearsed=state)
    assert ended.returncode == 1
    assert place.calls == [BUILD, MIGRATE, *WORKER, *REHEARSAL]
    assert "goes on\nrunning" in ended.stderr
    assert "a line of rehearsal" in ended.stderr


def test_an_api_that_does_not_start_says_where_to_look(place: Site) -> None:
    ended = place.run(fails=f"{UP} api")
    assert ended.returncode == 1
    assert "docker compose logs api" in ended.stderr
