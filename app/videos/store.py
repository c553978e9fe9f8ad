"""Where videos are kept: a local folder, or a bucket of any object store.

    ArchiveError
    ├── TooLarge               more bytes came than allowed
    ├── Empty                  no bytes came at all
    ├── Gone                   there is no file under that path
    └── ArchiveUnavailable     the store refused, could not be reached, or is full

Messages are safe to log: they say what kind of failure it was, and never repeat the text of the
store's library, which may contain a signed address.

A file appears under its path only once it is complete: `app.videos.folder` writes it into a folder;
in a bucket it is a multipart upload that is completed at the end. An error or a cancellation
removes either. What a killed process leaves in a folder is removed by the next write or delete of
that path. In a bucket it stays invisible, so give the bucket a lifecycle rule that aborts
incomplete multipart uploads after a day.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, from_url

from app.domain.assets import Stored
from app.errors import ConfigurationError
from app.videos.folder import FileWriter, Folder, remove_unfinished

if TYPE_CHECKING:  # its types have no runtime side
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

#: Bytes that are hashed and passed on at a time, and fetched with one read request. Every read is a
#: request of its own, so that a paused viewer holds no connection to the store.
BLOCK_BYTES = 1 << 20
#: The size of a part of a multipart upload. S3 allows 10,000 parts, each at least 5 MiB except the
#: last.
PART_BYTES = 8 << 20
#: Parts in flight at a time. One write holds about one more than this in memory.
PARTS_IN_FLIGHT = 2
CHECK_SECONDS = 15.0
_LISTED_AT_A_TIME = 500


class ArchiveError(Exception):
    """The root: an operation on the archive failed."""


class TooLarge(ArchiveError):
    pass


class Empty(ArchiveError):
    pass


class Gone(ArchiveError):
    pass


class ArchiveUnavailable(ArchiveError):
    pass


class Archive:
    """Files under relative paths with `/` as the separator (`<generation>/video.mp4`)."""

    def __init__(self, store: ObjectStore, *, folder: Path | None = None) -> None:
        self._store = store
        self._folder = None if folder is None else Folder(folder)

    @classmethod
    def open(cls, url: str) -> Archive:
        """Opens `file:///abs/path` (created if missing), `s3://bucket/prefix`,
        `gs://bucket/prefix`, `az://container/prefix` or `memory://`.

        Credentials come from the environment, under the names that each store's own tools use
        (`AWS_*`, `GOOGLE_*`, `AZURE_*`). Sends no request. Raises `ConfigurationError`.
        """
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigurationError(
                "The archive address may hold neither credentials nor ? nor #; "
                "credentials come from the environment."
            )
        match parts.scheme:
            case "memory":
                return cls(MemoryStore())
            case "file":
                folder = _folder(parts.netloc, parts.path)
                return cls(LocalStore(folder), folder=folder)
            case "s3" | "gs" | "az" if parts.netloc:
                return cls(_bucket(url, parts.scheme))
        raise ConfigurationError(
            "The archive address must be file:///path, s3://bucket/prefix, gs://bucket/prefix, "
            "az://container/prefix or memory://."
        )

    async def write(self, path: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> Stored:
        """Stores the stream under `path`, replacing any file there.

        Raises `TooLarge`, `Empty`, `ArchiveUnavailable`, and what `chunks` raises; then nothing
        under `path` has changed.
        """
        size = 0
        async with self._upload(path) as upload, aclosing(_blocks(chunks)) as blocks:
            async for block in blocks:
                size += len(block)
                if size > max_bytes:
                    raise TooLarge(f"the file is larger than {max_bytes} bytes")
                await upload.put(block)
            if size == 0:
                raise Empty("the file is empty")
            digest = await upload.finish()
        return Stored(path, size, digest)

    async def read(self, path: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes `start` to `end`, exclusive. Raises `Gone` and `ArchiveUnavailable`, also if
        the file ends before `end`."""
        _check_path(path)
        while start < end:
            stop = min(start + BLOCK_BYTES, end)
            with _failures("read", missing=path):
                block = await obstore.get_range_async(self._store, path, start=start, end=stop)
            if len(block) != stop - start:
                raise _shorter()
            yield bytes(block)
            start = stop

    async def open_file(self, path: str, end: int) -> io.FileIO | None:
        """The file itself, if the archive is a folder; the caller closes it. Raises `Gone` and
        `ArchiveUnavailable`, also if it ends before `end`."""
        final = self.local_path(path)
        if final is None:
            return None
        with _failures("read", missing=path):
            file = await asyncio.to_thread(io.FileIO, final)
        if os.fstat(file.fileno()).st_size < end:
            file.close()
            raise _shorter()
        return file

    async def size(self, path: str) -> int | None:
        """The size in bytes, or None if there is no such file."""
        _check_path(path)
        try:
            with _failures("read", missing=path):
                return (await obstore.head_async(self._store, path))["size"]
        except Gone:
            return None

    async def delete(self, path: str) -> None:
        """Removes the file. A missing file is no error."""
        _check_path(path)
        with suppress(Gone), _failures("delete", missing=path):
            await obstore.delete_async(self._store, path)
        if (final := self.local_path(path)) is not None:
            await asyncio.to_thread(remove_unfinished, final)

    async def sha256(self, path: str) -> str:
        """Lower-case hex of the bytes that are stored now. Raises `Gone`, `ArchiveUnavailable`."""
        digest = hashlib.sha256()
        async with aclosing(self._whole(path)) as blocks:
            async for block in blocks:
                await asyncio.to_thread(digest.update, block)
        return digest.hexdigest()

    async def paths(self, folder: str | None = None) -> AsyncGenerator[list[str], None]:
        """Every file, or those in a folder, page by page, in no order; only finished ones. Raises
        `ArchiveUnavailable`, also at the end if the archive's folder disappeared meanwhile, since
        then files may be missing from the list."""
        with _failures("list"):
            before = self._folder_identity()
            async for page in obstore.list(self._store, folder, chunk_size=_LISTED_AT_A_TIME):
                yield [entry["path"] for entry in page]
            if self._folder_identity() != before:
                raise ArchiveUnavailable("the archive's folder disappeared while it was listed")

    def _folder_identity(self) -> tuple[int, int] | None:
        """Identifies the folder itself, whatever is mounted under its path. Raises `OSError`."""
        if self._folder is None:
            return None
        seen = self._folder.root.stat()
        return seen.st_dev, seen.st_ino

    def local_path(self, path: str) -> Path | None:
        """The file's path on this machine, if the archive is a folder."""
        _check_path(path)
        return None if self._folder is None else self._folder.root / path

    @asynccontextmanager
    async def as_file(self, path: str) -> AsyncIterator[Path]:
        """A path on this machine to read the file from, until the block ends: its own in a folder,
        otherwise that of a temporary copy. Raises `Gone`, `ArchiveUnavailable`."""
        final = self.local_path(path)
        if final is not None:
            if not await asyncio.to_thread(final.is_file):
                raise Gone(f"there is no file {path}")
            yield final
            return
        with tempfile.NamedTemporaryFile(suffix=Path(path).suffix) as copy:
            async with aclosing(self._whole(path)) as blocks:
                async for block in blocks:
                    await asyncio.to_thread(copy.write, block)
            await asyncio.to_thread(copy.flush)
            yield Path(copy.name)

    async def check(self) -> None:
        """Writes, reads and deletes a small file. Raises `ArchiveUnavailable` with the reason."""
        path, content = f"reelgate-check-{uuid4().hex}", b"reelgate"
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                with _failures("write"):
                    await obstore.put_async(self._store, path, content, use_multipart=False)
                async with aclosing(self.read(path, 0, len(content))) as blocks:
                    if b"".join([block async for block in blocks]) != content:
                        raise ArchiveUnavailable("the archive returned other bytes than it got")
                await self.delete(path)
        except TimeoutError:
            raise ArchiveUnavailable(
                f"the archive did not answer within {CHECK_SECONDS:g} seconds"
            ) from None
        except Gone:
            raise ArchiveUnavailable("the archive does not find a file it just stored") from None

    @asynccontextmanager
    async def _upload(self, path: str) -> AsyncIterator[_IntoFolder | _IntoBucket]:
        """Undoes everything if the block fails."""
        final = self.local_path(path)
        upload: _IntoFolder | _IntoBucket
        if self._folder is not None and final is not None:
            upload = _IntoFolder(FileWriter(self._folder, final))
        else:
            upload = await _IntoBucket.begin(self._store, path)
        try:
            yield upload
        except BaseException as error:
            # The first error is the one to report; undoing may fail for the same reason.
            with suppress(BaseError, OSError):
                await upload.undo(error)
            raise

    async def _whole(self, path: str) -> AsyncGenerator[bytes, None]:
        size = await self.size(path)
        if size is None:
            raise Gone(f"there is no file {path}")
        async with aclosing(self.read(path, 0, size)) as blocks:
            async for block in blocks:
                yield block


def _shorter() -> ArchiveUnavailable:
    return ArchiveUnavailable("the archived file is shorter than recorded")


# Either is one file that is being written. `put` and `finish`, which returns the SHA-256, raise
# `ArchiveUnavailable`.


class _IntoFolder:
    def __init__(self, file: FileWriter) -> None:
        self._file = file

    async def put(self, block: bytes) -> None:
        with _failures("write"):
            await asyncio.to_thread(self._file.write, block)

    async def finish(self) -> str:
        with _failures("write"):
            return await asyncio.to_thread(self._file.finish)

    async def undo(self, _error: BaseException) -> None:
        # To its end, even if this is canceled meanwhile.
        await asyncio.shield(asyncio.to_thread(self._file.discard))


class _IntoBucket:
    def __init__(self, writer: obstore.AsyncWritableFile) -> None:
        self._writer = writer
        self._digest = hashlib.sha256()

    @classmethod
    async def begin(cls, store: ObjectStore, path: str) -> _IntoBucket:
        writer = obstore.open_writer_async(
            store, path, buffer_size=PART_BYTES, max_concurrency=PARTS_IN_FLIGHT
        )
        await writer.__aenter__()
        return cls(writer)

    async def put(self, block: bytes) -> None:
        await asyncio.to_thread(self._digest.update, block)
        with _failures("write"):
            await self._writer.write(block)

    async def finish(self) -> str:
        with _failures("write"):
            await self._writer.close()
        return self._digest.hexdigest()

    async def undo(self, error: BaseException) -> None:
        await self._writer.__aexit__(type(error), error, error.__traceback__)


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in pieces that are large enough for one call to a thread and the store."""
    pending = bytearray()
    async for chunk in chunks:
        pending += chunk
        if len(pending) >= BLOCK_BYTES:
            yield bytes(pending)
            pending.clear()
    if pending:
        yield bytes(pending)


def _check_path(path: str) -> None:
    """The gateway makes all paths, so a bad one is a bug: `ValueError`."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or re.search(r"[\0\\#]", part) for part in parts):
        raise ValueError(f"not a path of the archive: {path!r}")


def _folder(host: str, path: str) -> Path:
    folder = Path(url2pathname(path))
    if host or not folder.is_absolute() or folder == Path(folder.anchor):
        raise ConfigurationError("The archive folder must be given as file:///absolute/path.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "it cannot be made"
        raise ConfigurationError(f"The archive folder {folder} is not usable: {reason}.") from None
    return folder


def _bucket(url: str, scheme: str) -> ObjectStore:
    # The timeout of a whole request including its body: a part must get through on a slow line.
    options: ClientConfig = {
        "timeout": timedelta(minutes=2),
        "connect_timeout": timedelta(seconds=5),
    }
    # Plain HTTP only if the store's own environment variable gives such an address.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    if scheme == "s3" and endpoint.startswith("http://"):
        options["allow_http"] = True
    retries: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(minutes=1)}
    try:
        return from_url(url, client_options=options, retry_config=retries)
    except (BaseError, ValueError):
        hint = {
            "s3": "check the bucket's name and the AWS_* variables",
            "gs": "check the bucket's name and GOOGLE_APPLICATION_CREDENTIALS",
            "az": "check the container's name and set AZURE_STORAGE_ACCOUNT_NAME",
        }[scheme]
        raise ConfigurationError(
            f"The archive address {scheme}:// is not usable: {hint}."
        ) from None


@contextmanager
def _failures(verb: str, *, missing: str | None = None) -> Iterator[None]:
    """Translates the store library's errors into ours. The absence of the file `missing` is
    `Gone`."""
    try:
        yield
    except (BaseError, OSError) as error:
        if missing is not None and isinstance(error, FileNotFoundError):
            raise Gone(f"there is no file {missing}") from None
        raise ArchiveUnavailable(f"the archive could not {verb}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Takes only what is known to be harmless from the library's text."""
    text = str(error)
    if found := re.search(r"\(os error (\d+)\)", text):
        return os.strerror(int(found[1]))
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    if found := re.search(r"<Code>(\w{1,60})</Code>", text):
        return found[1]
    if found := re.search(r"status code: (\d{3})", text):
        return f"status {found[1]}"
    if "kind: Connect" in text:
        return "no connection"
    if "kind: Timeout" in text:
        return "timeout"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
