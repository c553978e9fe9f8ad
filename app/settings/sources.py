"""Reads the environment, `.env` and the files of secrets, before they become settings."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from app.errors import ConfigurationError

_SUFFIX = "_FILE"
#: Far more than any key or address needs, and little enough to read from any file.
_LARGEST_SECRET = 65_536


def read_env_file(path: Path) -> dict[str, str]:
    """The content of a `.env`, with names in capitals. Empty if it is not a regular file. Raises
    `ConfigurationError`, also if anybody but its owner and root could have written it: who writes
    the settings can redirect keys and videos."""
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid not in (os.geteuid(), 0):
                raise ConfigurationError(
                    f"{path.absolute()} belongs to another user (number {status.st_uid}), and "
                    f"settings are read from it: `chown {os.geteuid()}` it, or start Reelgate in "
                    "another folder."
                )
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise ConfigurationError(
                    f"Others than its owner may write {path.absolute()}, and settings are read "
                    "from it: run `chmod go-w` on it."
                )
            text = file.read().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path.absolute()} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path.absolute()} is not text in UTF-8.") from None
    for line in parse_stream(StringIO(text)):
        if line.error:
            raise ConfigurationError(
                f"Line {line.original.line} of {path.absolute()} cannot be read: it must be "
                "NAME=value, with quotes in pairs."
            )
    return _in_capitals(dotenv_values(stream=StringIO(text)))


def environment() -> dict[str, str]:
    return _in_capitals(os.environ)


def _in_capitals(given: Mapping[str, str | None]) -> dict[str, str]:
    """An empty value counts as unset."""
    return {name.upper(): value for name, value in given.items() if value}


def read_secrets(given: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Those of the secrets `names` that are in files: `NAME_FILE` gives the file of `NAME`. Raises
    `ConfigurationError`, which never shows the content of a file."""
    found = {}
    for name in names:
        path = given.get(name + _SUFFIX)
        if path is None:
            continue
        if name in given:
            raise ConfigurationError(f"Set {name} or {name}{_SUFFIX}, not both.")
        found[name] = read_secret_file(name + _SUFFIX, path)
    return found


def file_name_of(name: str) -> str:
    """The setting for the file of another one."""
    return name + _SUFFIX


def read_secret_file(name: str, path: str | Path) -> str:
    """What is in the file that the setting `name` names. Raises `ConfigurationError`, which never
    shows it."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST_SECRET + 1)
        secret = content.decode().rstrip("\r\n")
    # ValueError: for an impossible path.
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigurationError(f"{name} names a file that cannot be read: {reason}.") from None
    if len(content) > _LARGEST_SECRET:
        raise ConfigurationError(f"{name} names a file that is too large for a secret.")
    if not secret.strip():
        raise ConfigurationError(f"{name} names a file that is empty.")
    return secret
