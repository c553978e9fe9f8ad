"""Where settings come from: files of secrets, `.env`, and names that are none of ours."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.settings import Settings, environment_name, file_setting
from app.settings.names import OF_COMPOSE, unknown_names
from tests.structure.sources import ROOT

CANARY = "canary-secret-canary-secret-canary-secret"
SECRETS = [name for name in Settings.model_fields if file_setting(name)]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith(("REELGATE_", "ONEMIN_", "DATABASE_")):
            monkeypatch.delenv(name)


def refusal() -> str:
    with pytest.raises(ConfigurationError) as raised:
        Settings()
    sentence = str(raised.value)
    assert "canary" not in sentence
    assert "\n" not in sentence
    return sentence


# Secrets in files


def test_the_secrets_are_those_that_hold_one() -> None:
    assert {"onemin_api_key", "database_url", "signing_secret", "upstream_proxy"} <= set(SECRETS)
    assert file_setting("port") is None


@pytest.mark.parametrize("field", SECRETS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_every_secret_can_be_kept_in_a_file(
    field: str, end: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = {"upstream_proxy": "http://u:canary@proxy:3128"}.get(field, f" {CANARY}ü")
    (tmp_path / "secret").write_bytes(f"{secret}{end}".encode())
    monkeypatch.setenv(f"{environment_name(field)}_FILE", str(tmp_path / "secret"))
    # An empty value is none.
    monkeypatch.setenv(environment_name(field), "")
    assert getattr(Settings(), field).get_secret_value() == secret


def test_env_files_may_name_the_files_of_secrets(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{CANARY}\n")
    (tmp_path / ".env").write_text("ONEMIN_API_KEY_FILE=key\n")
    settings = Settings()
    assert settings.upstream_keys() == {"key-1": CANARY}
    assert settings.unknown_names == ()
    assert settings.secrets() == [CANARY, CANARY]


@pytest.mark.parametrize("field", SECRETS)
def test_a_secret_is_given_once(
    field: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = environment_name(field)
    (tmp_path / "secret").write_text(CANARY)
    (tmp_path / ".env").write_text(f"{name}={CANARY}")
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    assert refusal() == f"Set {name} or {name}_FILE, not both."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"canary\xff", "cannot be read: it is not text in UTF-8"),
        (b"canary" * 20_000, "is too large for a secret"),
    ],
)
def test_a_file_that_holds_no_secret_is_named_by_its_setting(
    content: bytes | None, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv("REELGATE_SIGNING_SECRET_FILE", str(tmp_path / "secret"))
    assert refusal() == f"REELGATE_SIGNING_SECRET_FILE names a file that {reason}."


def test_a_secret_that_is_given_as_the_name_of_its_file_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REELGATE_SIGNING_SECRET_FILE", CANARY)
    assert "No such file" in refusal()
    monkeypatch.setenv("REELGATE_SIGNING_SECRET_FILE", str(tmp_path))
    assert refusal() == (
        "REELGATE_SIGNING_SECRET_FILE names a file that cannot be read: Is a directory."
    )


# .env


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_env_file_that_others_may_write_is_refused(mode: int, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ONEMIN_API_KEY={CANARY}\n")
    (tmp_path / ".env").chmod(mode)
    assert refusal() == (
        f"Others than its owner may write {tmp_path / '.env'}, and settings are read from it: run "
        "`chmod go-w` on it."
    )
    (tmp_path / ".env").chmod(0o644)
    assert Settings().upstream_keys() == {"key-1": CANARY}


def test_an_env_file_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.write_text(f"ONEMIN_API_KEY={CANARY}\n")
    if os.geteuid() == 0:
        os.chown(path, 4321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert refusal().startswith(f"{path} belongs to another user (number {path.stat().st_uid})")


def test_an_env_file_of_root_is_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("REELGATE_PORT=1111\n")
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "geteuid", lambda: 4321)
    assert Settings().port == 1111


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"REELGATE_PORT=1\nREELGATE_HOST='canary\n", "Line 2 of {} cannot be read: it must be "
                                                      "NAME=value, with quotes in pairs."),
        (b"ONEMIN_API_KEY canary\n", "Line 1 of {} cannot be read: it must be NAME=value, with "
                                     "quotes in pairs."),
        (b"ONEMIN_API_KEY=canary\xe4\n", "{} is not text in UTF-8."),
    ],
)  # fmt: skip
def test_an_env_file_that_cannot_be_read_is_refused(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_bytes(content)
    assert refusal() == sentence.format(tmp_path / ".env")


def test_an_env_file_from_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfREELGATE_PORT=1111\r\nREELGATE_HOST=::1\r\n")
    settings = Settings()
    assert (settings.port, settings.host) == (1111, "::1")
    assert settings.unknown_names == ()


def test_a_folder_with_the_name_of_an_env_file_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert Settings().port == 8080


# Names

NO_SETTING = "no setting of Reelgate has this name"
LINK = (
    "a service link of Kubernetes and no setting of yours: put `enableServiceLinks: false` into "
    "the pod, or name the service otherwise"
)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("REELGATE_PROT", f"{NO_SETTING}: REELGATE_PORT is one"),
        ("REELGATE_SIGNIN_SECRET", f"{NO_SETTING}: REELGATE_SIGNING_SECRET is one"),
        ("REELGATE_DATABASE_URL", f"{NO_SETTING}: DATABASE_URL is one"),
        ("RELGATE_PUBLIC_URL", f"{NO_SETTING}: REELGATE_PUBLIC_URL is one"),
        ("DATABASE_URI", f"{NO_SETTING}: DATABASE_URL is one"),
        ("ONEMIN_APIKEY", f"{NO_SETTING}: ONEMIN_API_KEY is one"),
        ("ONEMIN_API_KEY_FIEL", f"{NO_SETTING}: ONEMIN_API_KEY_FILE is one"),
        ("REELGATE_FLUX_CAPACITOR", NO_SETTING),
        ("REELGATE_POSTGRES_SERVICE_HOST", LINK),
        ("REELGATE_POSTGRES_PORT", LINK),
        ("REELGATE_POSTGRES_PORT_5432_TCP_ADDR", LINK),
        ("REELGATE_VERSION", ""),
        ("POSTGRES_PASSWORD", ""),
        ("PATH", ""),
        ("reelgate_host", ""),
    ],
)
def test_names_that_look_like_ours_are_named_without_their_values(
    name: str, detail: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    value = "tcp://canary" if name == "REELGATE_POSTGRES_PORT" else CANARY
    monkeypatch.setenv(name, value)
    from_environment = Settings().unknown_names
    monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(f"{name}={value}\n")
    assert Settings().unknown_names == from_environment
    if detail == "":
        assert from_environment == ()
        return
    (unknown,) = from_environment
    assert (unknown.name, unknown.detail) == (name, detail)


def test_a_name_that_is_like_one_that_is_given_is_somebody_elses() -> None:
    settings = [environment_name(field) for field in Settings.model_fields]
    assert unknown_names({"DATABASE_URL": "x", "DATABASE_URL2": "y"}, settings) == ()


def test_the_names_of_the_documents_examples_are_no_settings_and_known() -> None:
    given = {"REELGATE_URL": "http://127.0.0.1:8080", "REELGATE_KEY": "rg_x"}
    assert unknown_names(given, ["REELGATE_PUBLIC_URL"]) == ()


def test_all_service_links_are_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REELGATE_DB_SERVICE_HOST", "REELGATE_DB_SERVICE_PORT", "REELGATE_DB_PORT"):
        monkeypatch.setenv(name, "tcp://10.43.7.12:5432")
    (links,) = Settings().unknown_names
    assert links.name == "REELGATE_DB_PORT, REELGATE_DB_SERVICE_HOST, REELGATE_DB_SERVICE_PORT"
    assert links.detail == LINK


def test_what_our_own_files_set_is_known() -> None:
    settings = {environment_name(field) for field in Settings.model_fields}
    for file in ("docker-compose.yml", "Dockerfile"):
        named = set(re.findall(r"\bREELGATE_[A-Z_]+\b", (ROOT / file).read_text()))
        assert named - settings - OF_COMPOSE == set(), file
