"""The data directory, and the signing secret that is kept there in development."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.errors import ConfigurationError
from app.settings import SHORTEST_SIGNING_SECRET, Settings


def data_folder(settings: Settings, name: str = "") -> Path:
    """The data directory, or a folder in it, created if missing. Raises `ConfigurationError`."""
    folder = settings.data_dir / name
    with _data_written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _data_written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{path.absolute()} cannot be written ({error.strerror}): make REELGATE_DATA_DIR a "
            "folder that this user may write in."
        ) from None


def signing_secret(settings: Settings) -> bytes:
    """The configured secret; in development, one that is generated once and kept with the data.
    Raises `ConfigurationError`."""
    if settings.signing_secret is not None:
        return settings.signing_secret.get_secret_value().encode()
    path = data_folder(settings) / "signing-secret"
    with _data_written(path):
        if not path.exists():
            # Written under another name first, so that two processes that start together agree on
            # one.
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            with suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        secret = path.read_bytes()
    if len(secret) < SHORTEST_SIGNING_SECRET:
        raise ConfigurationError(
            f"{path.absolute()} is not whole: remove it, and Reelgate makes another one, which "
            "ends every link that was given out."
        )
    return secret
