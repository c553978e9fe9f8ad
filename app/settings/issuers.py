"""The settings of sign-in by OpenID Connect: a TOML file with an `[[issuer]]` for each."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from app.domain.caller import Role
from app.domain.issuers import GroupRule, Issuer
from app.errors import ConfigurationError
from app.settings.addresses import Origin, in_ascii
from app.settings.sources import read_secret_file

_MOST_BYTES = 1_000_000


def _issuer_address(value: str) -> str:
    """Compared with what tokens carry, to the character: nothing is changed but non-ASCII names."""
    parts = urlsplit(value)
    bare = not parts.query and not parts.fragment and "@" not in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or not bare:
        raise ValueError("must be an https:// address without a query or a password")
    return in_ascii(value)


def _role(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


_Word = Annotated[str, Field(min_length=1, max_length=500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Group(_Strict):
    group: _Word
    team: Annotated[str, Field(min_length=1, max_length=100)]
    role: Annotated[Role, BeforeValidator(_role)] = Role.MEMBER


class _Issuer(_Strict):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
    issuer: Annotated[str, AfterValidator(_issuer_address)]
    name: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    client_id: _Word
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    scopes: tuple[Annotated[str, Field(pattern=r"^[!#-\[\]-~]+$")], ...] = (
        "openid", "profile", "email",
    )  # fmt: skip
    name_claim: _Word = "preferred_username"
    groups_claim: _Word = "groups"
    groups: tuple[_Group, ...] = ()
    default_team: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    internal_origins: tuple[Origin, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> _Issuer:
        if "openid" not in self.scopes:
            raise ValueError("scopes must contain openid")
        if self.client_secret is not None and self.client_secret_file is not None:
            raise ValueError("give client_secret or client_secret_file, not both")
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" and f"{parts.scheme}://{parts.netloc}" not in (
            self.internal_origins
        ):
            raise ValueError("issuer must be https://, or one of internal_origins")
        return self

    def read(self, where: str) -> Issuer:
        given = self.client_secret
        secret = None if given is None else given.get_secret_value()
        if self.client_secret_file is not None:
            secret = read_secret_file(f"{where}: client_secret_file", self.client_secret_file)
        if secret is not None and not re.fullmatch(r"[ -~]+", secret):
            raise ConfigurationError(f"{where}: client_secret must be printable ASCII.")
        return Issuer(
            id=self.id,
            issuer=self.issuer,
            name=self.name or self.id,
            client_id=self.client_id,
            client_secret=secret,
            scopes=self.scopes,
            name_claim=self.name_claim,
            groups_claim=self.groups_claim,
            rules=tuple(
                GroupRule(group=one.group, team=one.team, role=one.role) for one in self.groups
            ),
            default_team=self.default_team,
            internal_origins=frozenset(self.internal_origins),
        )


def load_issuers(path: Path | None) -> tuple[Issuer, ...]:
    """In the order of the file. Raises `ConfigurationError`, one sentence that never shows a
    value: it may be a secret."""
    if path is None:
        return ()
    document = _document(path)
    unknown = sorted(set(document) - {"issuer"})
    entries = document.get("issuer")
    if unknown or not isinstance(entries, list) or not entries:
        raise _wrong(path, "it must hold [[issuer]] tables, and nothing else")
    found: list[Issuer] = []
    for number, entry in enumerate(entries, start=1):
        where = f"REELGATE_OIDC_FILE: issuer {number} of {path}"
        try:
            found.append(_Issuer.model_validate(entry).read(where))
        except ValidationError as error:
            raise ConfigurationError(f"{where}: {_reason(error)}.") from None
    for name in ("id", "issuer"):
        values = [getattr(one, name) for one in found]
        if len(set(values)) < len(values):
            raise _wrong(path, f"two issuers have the same {name}")
    return tuple(found)


def _document(path: Path) -> dict[str, Any]:
    """Whoever may write the file can make themselves an operator."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(_MOST_BYTES + 1)
        if status.st_uid not in (os.geteuid(), 0) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _wrong(path, "only this user or root may own it, and nobody else may write it")
        if len(content) > _MOST_BYTES:
            raise _wrong(path, "it is too large")
        return tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise _wrong(path, f"it cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        # Its message has a place, and no more of the content than one character.
        raise _wrong(path, f"it is no TOML: {error}") from None
    except (UnicodeDecodeError, RecursionError):
        raise _wrong(path, "it is no TOML in UTF-8") from None


def _wrong(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(f"REELGATE_OIDC_FILE: {path}: {reason}.")


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return f"{field}: {reason[0].lower()}{reason[1:]}" if field else reason
