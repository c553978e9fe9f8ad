"""Every setting, typed, with one sentence each. Unsafe values stop the start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Self, get_args
from urllib.parse import urlsplit

from pydantic import AliasChoices, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.issuers import Issuer
from app.domain.nearest import Aliases
from app.errors import ConfigurationError
from app.settings import sources
from app.settings.budgets import Budgets
from app.settings.catalog import Models
from app.settings.groups import (
    GROUPS,
    Browsers,
    CallerPolicy,
    Connections,
    LogFormat,
    MemberDefaults,
    Notifications,
    Profile,
    Running,
    SimulatorSettings,
    UnofferedValues,
    UpstreamPolicy,
)
from app.settings.inputs import Inputs
from app.settings.issuers import load_issuers
from app.settings.names import LINK_REMEDY, UnknownName, is_service_link, unknown_names
from app.settings.sessions import SignedIn
from app.settings.sharing import Sharing

__all__ = [
    "GROUPS", "SHORTEST_SIGNING_SECRET", "LogFormat", "Profile", "Settings", "UnofferedValues",
    "environment_name", "file_setting",
]  # fmt: skip

ENV_FILE = Path(".env")
SHORTEST_SIGNING_SECRET = 32


class Settings(
    Connections, Running, CallerPolicy, Browsers, SignedIn, Notifications, MemberDefaults,
    Budgets, Inputs, Sharing, UpstreamPolicy, Models, SimulatorSettings, BaseSettings,
):  # fmt: skip
    """Read from the environment, then from `.env`. Names are `REELGATE_` and the field's name in
    capitals, except for three that other tools share. Every secret can be in a file."""

    model_config = SettingsConfigDict(
        env_prefix="REELGATE_",
        env_file=ENV_FILE,
        env_file_encoding="utf-8-sig",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    _unknown_names: tuple[UnknownName, ...] = PrivateAttr(())

    def __init__(self, **values: Any) -> None:
        file: Path | None = values.get("_env_file", ENV_FILE)
        given = {**(sources.read_env_file(file) if file else {}), **sources.environment()}
        names = {environment_name(field): field for field in type(self).model_fields}
        secrets = sources.read_secrets(given, [n for n in names if file_setting(names[n])])
        try:
            super().__init__(**{names[n]: secret for n, secret in secrets.items()} | values)
        except ValidationError as error:
            raise ConfigurationError(_one_sentence(error)) from None
        files = [n for field in names.values() if (n := file_setting(field))]
        self._unknown_names = unknown_names(given, [*names, *files])

    @property
    def unknown_names(self) -> tuple[UnknownName, ...]:
        """Unknown names beside these that look like settings."""
        return self._unknown_names

    def secrets(self) -> list[str]:
        """Every secret that is set, for redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        found = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        found += [one.client_secret for one in self.issuers() if one.client_secret]
        return [*found, *(self.upstream_keys().values() if self.onemin_api_key else ())]

    def issuers(self) -> tuple[Issuer, ...]:
        """Those that people may sign in with. Raises `ConfigurationError`."""
        return load_issuers(self.oidc_file)

    @property
    def simulated(self) -> bool:
        return self.simulator_url is not None

    @property
    def upstream_url(self) -> str:
        return self.simulator_url or self.onemin_base_url

    def paced(self) -> Self:
        """For a simulator: these settings with intervals between polls that match its speed, except
        for those that are set. For the upstream itself: these settings."""
        if not self.simulated:
            return self
        pace = {
            "poll_first_seconds": self.poll_first_seconds / self.simulator_speed,
            "poll_seconds": max(self.poll_seconds / self.simulator_speed, 1.0),
        }
        quicker = {name: v for name, v in pace.items() if name not in self.model_fields_set}
        return self.model_copy(update=quicker)

    @property
    def link_base(self) -> str:
        """Scheme, host, port and path of links, without a trailing slash."""
        return self.public_url or self.local_url

    @property
    def local_url(self) -> str:
        """The API's address on this machine, whatever the public address is."""
        return _http_url(
            "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host,  # noqa: S104
            self.port,
        )

    @property
    def listens_at(self) -> str:
        """What the API is bound to: all addresses of the machine, if that is what the host says."""
        return _http_url(self.host, self.port)

    @property
    def base_path(self) -> str:
        """The path of the public address, which a proxy removes; usually empty."""
        return urlsplit(self.link_base).path

    @property
    def session_address(self) -> SecretStr | None:
        """The database address for exclusive sessions."""
        return self.database_session_url or self.database_url

    @property
    def archive_address(self) -> str:
        return self.archive_url or (self.data_dir / "archive").resolve().as_uri()

    def upstream_keys(self) -> dict[str, str]:
        """Label → key. Raises `ConfigurationError` for an empty or repeated entry."""
        if self.onemin_api_key is None:
            return {"simulator": "simulator"} if self.simulated else {}
        keys: dict[str, str] = {}
        for number, entry in enumerate(self.onemin_api_key.get_secret_value().split(","), start=1):
            label, _, key = entry.strip().rpartition("=")
            label = label or f"key-{number}"
            if not re.fullmatch(r"[!-~]+", key) or label in keys or key in keys.values():
                raise ConfigurationError(
                    f"ONEMIN_API_KEY: entry {number} is empty, repeated, or has characters a "
                    "header cannot carry; give one key, or several as label=key,label=key."
                )
            keys[label] = key
        return keys

    def checked(self, *, sends: bool = True) -> Self:
        """These settings, or `ConfigurationError` with what to set. `sends`: for a process that
        calls the upstream; only such a process needs its key."""
        self.upstream_keys()
        self.issuers()
        Aliases.parse(self.model_aliases, self.catalog())
        secret = self.signing_secret
        if secret is not None and len(secret.get_secret_value()) < SHORTEST_SIGNING_SECRET:
            raise ConfigurationError(
                f"REELGATE_SIGNING_SECRET must have at least {SHORTEST_SIGNING_SECRET} characters; "
                "`openssl rand -hex 32` makes one."
            )
        if not re.match(r"^(file:///|s3://|gs://|az://|memory://)", self.archive_address):
            raise ConfigurationError(
                "REELGATE_ARCHIVE_URL must begin with file:///, s3://, gs:// or az://."
            )
        for field in ("database_url", "database_session_url"):
            database: SecretStr | None = getattr(self, field)
            if database is not None and not re.match(
                r"^postgres(ql)?(\+psycopg)?://", database.get_secret_value()
            ):
                raise ConfigurationError(
                    f"{environment_name(field)} must be a PostgreSQL address, "
                    "postgresql://user:password@host/name."
                )
        if self.database_session_url is not None and self.database_url is None:
            raise ConfigurationError(
                "REELGATE_DATABASE_SESSION_URL is for where DATABASE_URL leads to a pooler: set "
                "both, or DATABASE_URL alone."
            )
        if self.simulator_url is not None and not _is_loopback(self.simulator_url):
            raise ConfigurationError("REELGATE_SIMULATOR_URL must be a loopback address.")
        if self.profile is Profile.PRODUCTION:
            refusals = list(self._refusals_of_production(sends=sends))
            if refusals:
                raise ConfigurationError(" ".join(refusals))
        return self

    def _refusals_of_production(self, *, sends: bool) -> Iterator[str]:
        """Everything that is missing or unsafe, so that it can be fixed at once."""
        if self.simulator_url is not None:
            yield (
                "The production profile refuses the simulator: unset REELGATE_SIMULATOR_URL and "
                "set ONEMIN_API_KEY."
            )
        if sends and self.onemin_api_key is None:
            yield "The production profile needs ONEMIN_API_KEY."
        if self.signing_secret is None:
            yield (
                "The production profile needs REELGATE_SIGNING_SECRET; "
                "`openssl rand -hex 32` makes one."
            )
        elif _is_guessable(self.signing_secret.get_secret_value()):
            yield (
                "The production profile refuses a REELGATE_SIGNING_SECRET that repeats itself; "
                "`openssl rand -hex 32` makes one."
            )
        if self.database_url is None and not self.allow_embedded_postgres:
            yield (
                "The production profile needs DATABASE_URL, or "
                "REELGATE_ALLOW_EMBEDDED_POSTGRES=true to keep the embedded PostgreSQL."
            )
        if self.archive_url is None and not self.data_dir.is_absolute():
            yield (
                "The production profile needs REELGATE_ARCHIVE_URL, or an absolute "
                "REELGATE_DATA_DIR: a process started in another folder would have an archive of "
                "its own."
            )
        if self.public_url is None:
            yield "The production profile needs REELGATE_PUBLIC_URL, the address callers use."
        elif urlsplit(self.public_url).scheme != "https":
            yield (
                "The production profile needs an https:// REELGATE_PUBLIC_URL: callers send their "
                "keys there."
            )
        if urlsplit(self.onemin_base_url).scheme != "https":
            yield "The production profile needs an https:// ONEMIN_BASE_URL: the key goes there."


def _http_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_guessable(secret: str) -> bool:
    """A few characters, or a short word repeated, however long."""
    repeats = any(secret == (secret[:n] * len(secret))[: len(secret)] for n in range(1, 13))
    return repeats or len(set(secret)) < 8


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def environment_name(field: str) -> str:
    """The environment variable of a setting: `port` is `REELGATE_PORT`."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"REELGATE_{field.upper()}"


@cache
def file_setting(field: str) -> str | None:
    """The environment variable for the file of a secret; None if it is not a secret."""
    if not _holds_secret(Settings.model_fields[field].annotation):
        return None
    return sources.file_name_of(environment_name(field))


def _holds_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))


def _one_sentence(error: ValidationError) -> str:
    """What to set, without echoing the value: it may be a secret."""
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else "settings"
    lowered = {environment_name(name).lower(): name for name in Settings.model_fields}
    field = lowered.get(field.lower(), field)
    name = environment_name(field) if field in Settings.model_fields else field
    given = first.get("input")
    if is_service_link(given):
        return f"{name} is {LINK_REMEDY}."
    reason = first["msg"].removeprefix("Value error, ")
    hint = Settings.model_fields[field].description if field in Settings.model_fields else None
    return f"{name}: {reason[0].lower()}{reason[1:]}." + (f" ({hint})" if hint else "")
