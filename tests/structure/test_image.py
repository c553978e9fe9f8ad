"""The Dockerfile and the compose file, checked as text, without a container engine."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import NamedTuple

import pytest

from app import liveness
from app.settings import Settings, environment_name, file_setting
from app.settings.names import OF_COMPOSE
from tests.structure import reference
from tests.structure.sources import read

SETTINGS = {environment_name(name) for name in Settings.model_fields}
SETTINGS |= {file for name in Settings.model_fields if (file := file_setting(name))}
GATEWAYS = ("migrate", "api", "worker")
COMPOSE_FILES = (
    "docker-compose.yml", "docker-compose.trial.yml", "deploy/docker-compose.proxy.yml",
    "deploy/docker-compose.secrets.yml",
)  # fmt: skip


class Instruction(NamedTuple):
    word: str
    text: str


def stages() -> list[list[Instruction]]:
    """The instructions of each stage of the Dockerfile, from FROM on."""
    found: list[list[Instruction]] = []
    whole = re.sub(r"^\s*#.*\n", "", read("Dockerfile"), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, whole.splitlines())):
        word, _, text = line.partition(" ")
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append(Instruction(word, text.strip()))
    return found


def _texts(stage: list[Instruction], word: str) -> list[str]:
    return [text for each, text in stage if each == word]


def test_dependencies_are_installed_from_the_lock() -> None:
    pages, builder, _ = stages()
    runs = " ".join(_texts(builder, "RUN"))
    assert "--no-deps --only-binary :all: --require-hashes -r requirements.lock" in runs
    assert "pip --python .venv check" in runs
    assert "--no-deps --no-build-isolation -e ." in runs
    # It installs from locks with hashes: tests/web/test_build.py.
    assert _texts(pages, "RUN") == ["python web/build.py --install", "python web/build.py"]
    assert "--from=pages /opt/reelgate/app/web/dist app/web/dist" in _texts(builder, "COPY")


def test_the_last_stage_builds_nothing() -> None:
    last = stages()[-1]
    assert not re.search(r"pip install|apt|gcc|curl|wget", " ".join(_texts(last, "RUN")))
    assert [text.split()[0] for text in _texts(last, "COPY")] == ["--from=builder"]
    assert _texts(last, "ADD") == []


def test_the_image_runs_as_a_numbered_user() -> None:
    assert _texts(stages()[-1], "USER") == ["10001:10001"]


def test_signals_reach_the_gateway() -> None:
    """In shell form, the shell would receive SIGTERM and not pass it on."""
    last = stages()[-1]
    (entry,), (command,) = _texts(last, "ENTRYPOINT"), _texts(last, "CMD")
    assert json.loads(entry) == ["reelgate"]
    (word,) = json.loads(command)
    assert f"reelgate {word}" in dict(reference.commands())


def test_the_health_check_asks_the_event_loop_of_whatever_runs() -> None:
    last = stages()[-1]
    (check,) = _texts(last, "HEALTHCHECK")
    python, option, module = json.loads(check[check.index("["):])  # fmt: skip
    assert (python, option) == ("python", "-m")
    assert module == liveness.__name__
    assert f"{liveness.SETTING}=/tmp/" in " ".join(_texts(last, "ENV"))
    # Longer than the check itself waits, so that it can say what it found.
    allowed = re.search(r"--timeout=(\d+)s", check)
    assert allowed
    assert int(allowed[1]) > liveness.ANSWER_SECONDS + 1
    # No service has one of its own, but those that are no process of the gateway or end soon.
    compose = read("docker-compose.yml")
    assert [name for name in GATEWAYS if "healthcheck:" in _service(name)] == ["migrate"]
    assert "disable: true" in _service("migrate")
    assert compose.count("healthcheck:") == 2


def test_building_asks_no_registry_but_for_the_base_image() -> None:
    """A `syntax` line has BuildKit fetch its own front end."""
    assert not re.search(r"^#\s*syntax\s*=", read("Dockerfile"), re.MULTILINE | re.IGNORECASE)


def test_settings_are_not_read_from_the_volume() -> None:
    """Whoever can write to it would else write the settings, in an `.env`."""
    last = stages()[-1]
    (folder,), (volume,) = _texts(last, "WORKDIR"), _texts(last, "VOLUME")
    assert not PurePosixPath(folder).is_relative_to(volume)
    (owner,) = re.findall(r"install -d -o (\w+)", " ".join(_texts(last, "RUN")))
    assert owner == "reelgate"
    assert "--chown" not in " ".join(_texts(last, "COPY")), "the program is root's"


def test_the_image_sets_only_what_exists() -> None:
    named = set(re.findall(r"\b(REELGATE_\w+)=", " ".join(_texts(stages()[-1], "ENV"))))
    assert named <= SETTINGS
    assert "REELGATE_DATA_DIR" in named


def test_what_is_copied_is_not_ignored() -> None:
    rules = [line for line in read(".dockerignore").splitlines() if not line.startswith("#")]
    assert rules[0] == "*", "everything else is ignored"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        name.partition("/")[0]
        for stage in stages()[:-1]
        for text in _texts(stage, "COPY")
        if not text.startswith("--from=")
        for name in text.split()[:-1]
    }
    assert copied == allowed


def _block(text: str, name: str, indent: int) -> str:
    """The lines below `name:` that are indented further."""
    inside = rf"(?: {{{indent + 1},}}.*\n|\s*\n|\s*#.*\n)*"
    found = re.search(rf"^ {{{indent}}}{name}:.*\n({inside})", text, re.MULTILINE)
    assert found, f"docker-compose.yml has no {name}"
    return found[1]


def _service(name: str) -> str:
    return _block(_block(read("docker-compose.yml"), "services", 0), name, 2)


@pytest.mark.parametrize("name", GATEWAYS)
def test_every_gateway_service_is_the_same_image_with_another_command(name: str) -> None:
    service = _service(name)
    assert "<<: *gateway" in service
    found = re.search(r"command: (\[.*\])", service)
    assert found
    (command,) = json.loads(found[1])
    assert f"reelgate {command}" in dict(reference.commands())


def test_gateways_run_without_privileges() -> None:
    shared = _block(read("docker-compose.yml"), "x-gateway", 0)
    assert "read_only: true" in shared
    assert re.search(r"cap_drop:\n\s+- ALL\n", shared)
    assert "no-new-privileges:true" in shared
    assert "REELGATE_PROFILE: production" in shared


def test_a_stopping_gateway_gets_enough_time() -> None:
    shared = _block(read("docker-compose.yml"), "x-gateway", 0)
    grace = re.search(r"stop_grace_period: (\d+)s", shared)
    assert grace
    assert int(grace[1]) > Settings.model_fields["drain_seconds"].default + 10


def test_gateways_start_on_a_migrated_database() -> None:
    compose = read("docker-compose.yml")
    assert "condition: service_healthy" in _service("migrate")
    assert "condition: service_completed_successfully" in _service("api")
    assert "depends_on: *migrated" in _service("worker")
    assert "depends_on: &migrated" in compose


def test_the_database_is_not_published() -> None:
    assert "ports:" not in _service("postgres")
    assert "ports:" in _service("api")
    assert "image: postgres:17" in _service("postgres")


@pytest.mark.parametrize("file", COMPOSE_FILES)
def test_the_compose_files_set_only_what_exists(file: str) -> None:
    named = set(re.findall(r"^\s+(REELGATE_\w+):", read(file), re.MULTILINE))
    assert named
    assert named <= SETTINGS


def test_what_the_compose_files_ask_for_is_documented() -> None:
    asked = {name for file in COMPOSE_FILES for name in re.findall(r"\$\{(\w+)", read(file))}
    assert {"POSTGRES_PASSWORD", "REELGATE_PUBLISH", "REELGATE_VERSION", "TRIAL_PORT"} <= asked
    documented = set(re.findall(r"`(\w+)`", read("docs/containers.md")))
    assert asked <= documented | SETTINGS
    # They come to the containers with the rest of `.env`, where they are no misspelt settings.
    assert {name for name in asked - SETTINGS if name.startswith("REELGATE_")} == OF_COMPOSE


def test_the_password_of_the_database_is_the_operators_and_no_part_of_an_address() -> None:
    compose = read("docker-compose.yml")
    assert re.findall(r"\$\{POSTGRES_PASSWORD(..)", compose) == [":?"]
    (address,) = re.findall(r"DATABASE_URL: \$\{DATABASE_URL:-(.*)\}", compose)
    assert address == "postgresql://reelgate@postgres/reelgate"
    assert "PGPASSWORD: &password" in _block(compose, "x-gateway", 0)
    assert "POSTGRES_PASSWORD: *password" in _service("postgres")


def test_only_a_worker_is_given_the_upstream_key() -> None:
    assert 'ONEMIN_API_KEY: ""' in _block(read("docker-compose.yml"), "x-gateway", 0)
    assert [name for name in GATEWAYS if "ONEMIN_API_KEY: ${" in _service(name)] == ["worker"]


def test_a_secret_that_is_in_a_file_is_in_no_environment() -> None:
    """A setting and its file together are refused, and `.env` or the file of all services may set
    it."""
    secret = read("deploy/docker-compose.secrets.yml")
    in_files = set(re.findall(r"(\w+)_FILE: /run/secrets/\w+", secret))
    assert in_files == {"ONEMIN_API_KEY", "REELGATE_SIGNING_SECRET"}
    assert set(re.findall(r'(\w+): ""', secret)) == in_files


def test_every_service_has_bounds() -> None:
    shared = _block(read("docker-compose.yml"), "x-gateway", 0)
    assert "pids_limit:" in shared
    assert "pids_limit:" in _service("postgres")
    for name in (*GATEWAYS, "postgres"):
        assert "mem_limit:" in _service(name), name
    # Copies of videos are larger than any memory that is set aside for them.
    assert "tmpfs:" not in shared
    assert re.search(r"^ +- /tmp$", shared, re.MULTILINE)
    # A reader of videos that is killed leaves its forks to the first process.
    assert "init: true" in shared


def test_the_trial_touches_nothing_of_production() -> None:
    trial = read("docker-compose.trial.yml")
    assert re.findall(r"^name: (.*)", trial, re.MULTILINE) == ["reelgate-trial"]
    assert re.findall(r"^name: (.*)", read("docker-compose.yml"), re.MULTILINE) == ["reelgate"]
    assert "env_file" not in trial
    assert "external:" not in trial
    assert all(port.startswith("127.0.0.1:") for port in re.findall(r'- "(.*:.*:.*)"', trial))


def _directive(name: str) -> str:
    found = re.findall(rf"^\s*{name} ([^;]*);", read("deploy/nginx.conf"), re.MULTILINE)
    assert len(found) == 1, name
    return str(found[0])


def test_the_proxy_waits_for_longer_than_a_create_does() -> None:
    seconds = re.fullmatch(r"(\d+)s", _directive("proxy_read_timeout"))
    assert seconds
    assert int(seconds[1]) > Settings.model_fields["wait_seconds"].default


def test_a_stopping_api_is_known_to_the_proxy_before_it_takes_nothing_more() -> None:
    proxied = read("deploy/docker-compose.proxy.yml")
    notice = re.search(r'REELGATE_DRAIN_NOTICE_SECONDS: "(\d+)"', proxied)
    known = re.search(r"valid=(\d+)s", _directive("resolver"))
    assert notice
    assert known
    assert int(notice[1]) > int(known[1]) + 1
