"""Settings: what stops the start, in one sentence that says what to set and echoes no value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.errors import ConfigurationError
from app.settings import Profile, Settings, environment_name

CANARY = "canary-secret-canary-secret-canary-secret"
PRODUCTION: dict[str, Any] = {
    "profile": "production",
    "onemin_api_key": "canary-upstream-key",
    "signing_secret": CANARY,
    "database_url": f"postgresql://user:{CANARY}@db/reelgate",
    "public_url": "https://videos.example",
    "archive_url": "s3://videos/archive",
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(environment_name(field), raising=False)


def refusal(**values: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        Settings(**values).checked()
    sentence = str(raised.value)
    assert "canary" not in sentence
    assert "\n" not in sentence
    # Neither the chain of causes: a traceback of the start may be shown.
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return sentence


def test_nothing_has_to_be_set() -> None:
    settings = Settings().checked()
    assert settings.profile is Profile.DEVELOPMENT
    assert settings.upstream_keys() == {}
    assert settings.link_base == "http://127.0.0.1:8080"
    assert settings.archive_address.startswith("file:///")


def test_a_whole_production_is_accepted() -> None:
    settings = Settings(**PRODUCTION).checked()
    assert settings.upstream_keys() == {"key-1": "canary-upstream-key"}
    assert settings.link_base == "https://videos.example"


@pytest.mark.parametrize(
    ("address", "ascii_address"),
    [
        ("https://视频.example", "https://xn--cy2a840a.example"),
        ("https://Видео.example:8443/кино/%41/", "https://xn--b1aedk6a.example:8443/"
                                                 "%D0%BA%D0%B8%D0%BD%D0%BE/%41"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://Videos.example/A", "https://Videos.example/A"),
    ],
)  # fmt: skip
def test_addresses_of_any_script_are_kept_in_ascii(address: str, ascii_address: str) -> None:
    """They go into headers, which hold nothing else."""
    settings = Settings(public_url=address).checked()
    assert settings.link_base == ascii_address
    assert settings.base_path == ascii_address.partition(".example")[2].removeprefix(":8443")


def test_origins_and_hosts_of_any_script_are_kept_as_browsers_send_them() -> None:
    settings = Settings(cors_origins="https://视频.example", host="视频.example").checked()
    assert settings.cors_origins == ("https://xn--cy2a840a.example",)
    assert settings.link_base == "http://xn--cy2a840a.example:8080"


def test_a_host_that_no_name_can_be_is_refused() -> None:
    sentence = refusal(public_url="https://a\u2028b.example")
    assert sentence.startswith("REELGATE_PUBLIC_URL: its host is not a name that IDNA can write.")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"simulator_url": "http://127.0.0.1:9"}, "The production profile refuses the simulator"),
        ({"onemin_api_key": None}, "The production profile needs ONEMIN_API_KEY."),
        ({"signing_secret": None}, "The production profile needs REELGATE_SIGNING_SECRET; "
                                   "`openssl rand -hex 32` makes one."),
        ({"database_url": None}, "The production profile needs DATABASE_URL, or "
                                 "REELGATE_ALLOW_EMBEDDED_POSTGRES=true"),
        ({"public_url": None}, "The production profile needs REELGATE_PUBLIC_URL"),
        ({"archive_url": None}, "The production profile needs REELGATE_ARCHIVE_URL, or an absolute "
                                "REELGATE_DATA_DIR"),
        ({"public_url": "http://videos.example"}, "The production profile needs an https:// "
                                                  "REELGATE_PUBLIC_URL"),
        ({"onemin_base_url": "http://api.1min.ai"}, "The production profile needs an https:// "
                                                    "ONEMIN_BASE_URL"),
    ],
)  # fmt: skip
def test_production_refuses_what_is_unsafe(changes: dict[str, Any], sentence: str) -> None:
    assert refusal(**{**PRODUCTION, **changes}).startswith(sentence)


def test_production_says_everything_that_is_missing_at_once() -> None:
    sentences = refusal(profile="production")
    for name in (
        "ONEMIN_API_KEY",
        "REELGATE_SIGNING_SECRET",
        "DATABASE_URL",
        "REELGATE_ARCHIVE_URL",
        "REELGATE_PUBLIC_URL",
    ):
        assert f"The production profile needs {name}" in sentences


def test_production_takes_an_archive_in_a_folder_that_every_process_means() -> None:
    place = Path("/srv/reelgate")
    settings = Settings(**{**PRODUCTION, "archive_url": None, "data_dir": place}).checked()
    assert settings.archive_address == (place / "archive").as_uri()


@pytest.mark.parametrize("secret", ["a" * 40, "changeme" * 5, "canary-0123" * 4 + "can", "01" * 20])
def test_production_refuses_a_signing_secret_that_can_be_guessed(secret: str) -> None:
    assert refusal(**{**PRODUCTION, "signing_secret": secret}).startswith(
        "The production profile refuses a REELGATE_SIGNING_SECRET that repeats itself"
    )


def test_only_what_calls_the_upstream_needs_its_key() -> None:
    values = {**PRODUCTION, "onemin_api_key": None}
    Settings(**values).checked(sends=False)
    assert refusal(**values) == "The production profile needs ONEMIN_API_KEY."


def test_a_service_link_of_kubernetes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGATE_PORT", "tcp://10.43.7.12:8080")
    sentence = refusal()
    assert sentence.startswith("REELGATE_PORT is a service link of Kubernetes and no setting of")
    assert "enableServiceLinks: false" in sentence


def test_production_may_ask_for_the_embedded_postgres() -> None:
    Settings(**{**PRODUCTION, "database_url": None, "allow_embedded_postgres": True}).checked()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"signing_secret": "canary"}, "REELGATE_SIGNING_SECRET must have at least 32 characters"),
        ({"archive_url": "ftp://canary/x"}, "REELGATE_ARCHIVE_URL must begin with file:///"),
        ({"archive_url": "/canary"}, "REELGATE_ARCHIVE_URL must begin with file:///"),
        ({"database_url": f"mysql://u:{CANARY}@h/d"}, "DATABASE_URL must be a PostgreSQL address"),
        ({"database_url": "canary"}, "DATABASE_URL must be a PostgreSQL address"),
        ({"simulator_url": "http://canary.example"},
         "REELGATE_SIMULATOR_URL must be a loopback address."),
        ({"simulator_url": "http://10.0.0.1:80"},
         "REELGATE_SIMULATOR_URL must be a loopback address."),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_in_any_profile(values: dict[str, Any], sentence: str) -> None:
    assert refusal(**values).startswith(sentence)


@pytest.mark.parametrize(
    "keys",
    ["canary-a,", "canary-a,,canary-b", "x=canary-a,x=canary-b", "x=canary-a,y=canary-a",
     "canary a", "x=", "=", "canary\u00e4", "can\nary"],
)  # fmt: skip
def test_upstream_keys_that_cannot_be_told_apart_or_sent_are_refused(keys: str) -> None:
    assert refusal(onemin_api_key=keys).startswith("ONEMIN_API_KEY: entry ")


@pytest.mark.parametrize(
    ("host", "listens", "local"),
    [
        ("0.0.0.0", "http://0.0.0.0:81", "http://127.0.0.1:81"),
        ("::", "http://[::]:81", "http://127.0.0.1:81"),
        ("::1", "http://[::1]:81", "http://[::1]:81"),
        ("10.0.0.2", "http://10.0.0.2:81", "http://10.0.0.2:81"),
    ],
)
def test_where_it_listens_is_apart_from_where_it_is_called(
    host: str, listens: str, local: str
) -> None:
    settings = Settings(host=host, port=81, public_url="https://video.example.com")
    assert (settings.listens_at, settings.local_url) == (listens, local)
    assert settings.link_base == "https://video.example.com"


def test_a_simulator_is_polled_as_fast_as_it_renders_unless_told_otherwise() -> None:
    simulator: dict[str, Any] = {"simulator_url": "http://127.0.0.1:9", "simulator_speed": 30}
    paced = Settings(**simulator).paced()
    assert (paced.poll_first_seconds, paced.poll_seconds) == (2, 1)
    assert paced.paced() == paced
    told = Settings(**simulator, poll_first_seconds=60, poll_seconds=10).paced()
    assert (told.poll_first_seconds, told.poll_seconds) == (60, 10)


def test_the_upstream_itself_is_polled_at_its_own_pace() -> None:
    paced = Settings(simulator_speed=30).paced()
    assert (paced.poll_first_seconds, paced.poll_seconds) == (60, 10)


def test_proxies_are_addresses_and_networks() -> None:
    settings = Settings(trusted_proxies="10.0.0.1/8, 192.0.2.1,fd00::/8")
    assert [str(each) for each in settings.trusted_proxies] == [
        "10.0.0.0/8", "192.0.2.1/32", "fd00::/8",
    ]  # fmt: skip


@pytest.mark.parametrize(("of_all", "of_one", "bound"), [(60, None, 30), (1, None, 1), (9, 7, 7)])
def test_one_address_has_half_of_all_connections(
    of_all: int, of_one: int | None, bound: int
) -> None:
    settings = Settings(max_connections=of_all, max_connections_per_address=of_one)
    assert settings.connections_per_address == bound


def test_several_upstream_keys_have_labels() -> None:
    settings = Settings(onemin_api_key=SecretStr(" main=canary-a , canary-b,spare=canary-c\n"))
    assert settings.upstream_keys() == {
        "main": "canary-a", "key-2": "canary-b", "spare": "canary-c",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("port", "65536", "less than or equal to 65535"),
        ("port", "canary", "valid integer"),
        ("public_url", "ftp://canary", "http:// or https://"),
        ("public_url", "https://", "http:// or https://"),
        ("public_url", "https://host/?q=canary", "without a query"),
        ("practice_url", "javascript:canary", "http:// or https://"),
        ("practice_url", "https://ada:canary@host", "without a query or a password"),
        ("onemin_base_url", "canary", "http:// or https://"),
        ("profile", "canary", "'development' or 'production'"),
        ("log_level", "canary", "pattern"),
        ("log_format", "canary", "'auto', 'json' or 'pretty'"),
        ("wait_seconds", "0", "greater than 0"),
        ("wait_seconds", "inf", "less than or equal to"),
        ("wait_seconds", "nan", ""),
        ("database_pool_size", "1", "greater than or equal to 2"),
        ("max_video_bytes", "10", "greater than or equal to 1024"),
        ("simulator_speed", "0", "greater than 0"),
        ("allow_embedded_postgres", "canary", "boolean"),
        ("member_credit_limit", "-1", "greater than or equal to 0"),
        ("trusted_proxies", "10.0.0.1, canary", "networks such as 10.0.0.0/8"),
        ("max_connections_per_address", "0", "greater than or equal to 1"),
        ("operations_port", "-1", "greater than or equal to 0"),
    ],
)
def test_a_wrong_value_names_its_variable_and_the_reason(
    monkeypatch: pytest.MonkeyPatch, field: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(environment_name(field), value)
    sentence = refusal()
    assert sentence.startswith(f"{environment_name(field)}: ")
    assert reason in sentence
    assert str(Settings.model_fields[field].description) in sentence


def test_no_setting_shows_a_secret_when_it_is_printed() -> None:
    settings = Settings(**PRODUCTION)
    assert "canary" not in repr(settings)
    assert "canary" not in str(settings)
    assert "canary" not in settings.model_dump_json()


def test_the_environment_wins_over_the_env_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        "REELGATE_PORT=1111\nREELGATE_HOST=0.0.0.0\nONEMIN_API_KEY=\n"
        "REELGATE_DOWNLOAD_HOSTS= A.example , b.example,\nSOMETHING_ELSE=1\n"
    )
    monkeypatch.setenv("REELGATE_PORT", "2222")
    settings = Settings()
    assert (settings.port, settings.host) == (2222, "0.0.0.0")
    assert settings.download_hosts == ("a.example", "b.example")
    assert settings.onemin_api_key is None
    assert settings.link_base == "http://127.0.0.1:2222"


def test_links_are_made_of_what_callers_use() -> None:
    assert Settings(public_url="https://videos.example/base/").link_base == (
        "https://videos.example/base"
    )
    assert Settings(host="::1", port=1).link_base == "http://[::1]:1"
    assert Settings(host="::", port=1).link_base == "http://127.0.0.1:1"


def test_every_setting_has_a_sentence() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
