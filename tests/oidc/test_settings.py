"""The file of issuers: what is in it, and one sentence for what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.caller import Role
from app.domain.issuers import GroupRule
from app.errors import ConfigurationError
from app.settings import Settings
from app.settings.issuers import load_issuers
from tests.oidc.real import issuers_file
from tests.structure.sources import read

LEAST = """
[[issuer]]
id = "one"
issuer = "https://id.example.com/realms/a"
client_id = "reelgate"
"""
CANARY = "canary-client-secret"


def refusal(folder: Path, *tables: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_issuers(issuers_file(folder, *tables))
    return str(caught.value)


def test_the_least_there_can_be(tmp_path: Path) -> None:
    (one,) = load_issuers(issuers_file(tmp_path, LEAST))
    assert (one.id, one.name, one.issuer) == ("one", "one", "https://id.example.com/realms/a")
    assert (one.client_secret, one.rules, one.default_team) == (None, (), None)
    assert one.scopes == ("openid", "profile", "email")
    assert load_issuers(None) == ()


def test_the_example_of_the_guide(tmp_path: Path) -> None:
    example = read("docs/sign-in.md").partition("```toml\n")[2].partition("```")[0]
    (one,) = load_issuers(issuers_file(tmp_path, example))
    assert one.rules == (
        GroupRule(group="video-leads", team="default", role=Role.ADMIN),
        GroupRule(group="video-artists", team="default"),
    )
    assert one.client_secret == "the client's secret"
    assert "the client's secret" not in repr(one)


def test_every_secret_is_known_to_the_log(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{CANARY}-2\n")
    second = LEAST.replace("one", "two").replace("realms/a", "realms/b")
    path = issuers_file(
        tmp_path, LEAST, f'client_secret = "{CANARY}-1"', second,
        f'client_secret_file = "{tmp_path}/secret"',
    )  # fmt: skip
    settings = Settings(_env_file=None, oidc_file=path).checked()
    assert settings.secrets() == [f"{CANARY}-1", f"{CANARY}-2"]
    assert [one.id for one in settings.issuers()] == ["one", "two"]


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ((), "it must hold [[issuer]] tables, and nothing else."),
        (('issuer = "x"',), "it must hold [[issuer]] tables, and nothing else."),
        ((LEAST, "[other]"), "it must hold [[issuer]] tables, and nothing else."),
        (("[[issuer]",), "it is no TOML: "),
        ((LEAST, LEAST), "two issuers have the same id."),
        ((LEAST, LEAST.replace('"one"', '"two"')), "two issuers have the same issuer."),
        ((LEAST.replace("one", "One"),), "issuer 1 of"),
        ((LEAST.replace("client_id", "client"),), "client_id: field required."),
        ((LEAST, "group_claim = 1"), "group_claim: extra inputs are not permitted."),
        ((LEAST, 'scopes = ["email"]'), "scopes must contain openid."),
        ((LEAST, 'scopes = ["openid", "a b"]'), "scopes.1: "),
        ((LEAST.replace("https", "http"),), "issuer must be https://, or one of internal_origins."),
        ((LEAST.replace("https://", "https://u:p@"),), "without a query or a password."),
        ((LEAST.replace("realms/a", "?a=1"),), "without a query or a password."),
        ((LEAST, 'internal_origins = ["https://*"]', "[[issuer.groups]]"), "groups.0.group: "),
        ((LEAST, '[[issuer.groups]]\ngroup="a"\nteam="b"\nrole="owner"'), "groups.0.role: "),
        ((LEAST, f'client_secret = "{CANARY}"\nclient_secret_file = "x"'),
         "give client_secret or client_secret_file, not both."),
        ((LEAST, f'client_secret = "{CANARY}ü"'), "client_secret must be printable ASCII."),
        ((LEAST, 'client_secret_file = "/nowhere"'),
         "client_secret_file names a file that cannot be read: No such file or directory."),
    ],
)  # fmt: skip
def test_one_sentence_says_what_is_wrong(
    tmp_path: Path, tables: tuple[str, ...], reason: str
) -> None:
    said = refusal(tmp_path, *tables)
    assert said.startswith("REELGATE_OIDC_FILE: ")
    assert reason in said
    assert CANARY not in said
    assert "\n" not in said


def test_a_plain_address_may_be_one_inside(tmp_path: Path) -> None:
    table = LEAST.replace("https", "http")
    path = issuers_file(tmp_path, table, 'internal_origins = ["http://id.example.com"]')
    assert load_issuers(path)[0].internal_origins == {"http://id.example.com"}


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o622])
def test_who_may_write_the_file_could_become_an_operator(tmp_path: Path, mode: int) -> None:
    path = issuers_file(tmp_path, LEAST)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="nobody else may write it"):
        load_issuers(path)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(ConfigurationError, match="it cannot be read"):
            load_issuers(path)
    path = issuers_file(tmp_path, "x" * 1_000_001)
    with pytest.raises(ConfigurationError, match="too large"):
        load_issuers(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="no TOML in UTF-8"):
        load_issuers(path)


def test_a_process_without_issuers_loads_no_cryptography() -> None:
    program = "import sys, app.processes, app.main; print('cryptography' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_bad_settings_stop_the_start(tmp_path: Path) -> None:
    path = issuers_file(tmp_path, "x")
    with pytest.raises(ConfigurationError, match="REELGATE_OIDC_FILE"):
        Settings(_env_file=None, oidc_file=path).checked()
