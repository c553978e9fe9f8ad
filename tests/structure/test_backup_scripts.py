"""`deploy/backup.sh` and `deploy/restore.sh` with a `docker` that keeps a database and a volume in
files: what comes back, in which order, and what is refused. docs/containers.md says what was seen
on an engine."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.structure.sources import ROOT

OWN = "postgresql://reelgate@postgres/reelgate"
#: `$STATE/database` is the database, and `$STATE/data` the volume. A call that contains `$FAILS`
#: fails half-way.
_DOCKER = r"""#!/bin/sh
echo "$*" >> "$STATE/calls"
[ -n "${FAILS:-}" ] && case "$*" in *"$FAILS"*) echo half; exit 1 ;; esac
case "$*" in
    "compose config") printf 'DATABASE_URL: %s\nREELGATE_ARCHIVE_URL: "%s"\n' "$URL" "$BUCKET" ;;
    "compose ps --quiet "*) printf %s "$RUNNING" ;;
    *" pg_dump "*) cat "$STATE/database" ;;
    *" pg_restore --list") cat ;;
    *" psql "*) if [ -s "$STATE/database" ]; then echo 31; else echo 0; fi ;;
    *" pg_restore "*) cat > "$STATE/database" ;;
    *" --entrypoint tar api -C /data "*) shift 10; exec tar -C "$STATE/data" "$@" ;;
esac
"""


@dataclass
class Site:
    """A machine with the compose file, and what its containers keep."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "state" / "data").mkdir(parents=True)
        (self.folder / "bin").mkdir()
        (self.folder / "deploy").mkdir()
        docker = self.folder / "bin" / "docker"
        docker.write_text(_DOCKER)
        docker.chmod(0o755)
        for name in ("backup.sh", "restore.sh"):
            shutil.copy(ROOT / "deploy" / name, self.folder / "deploy")

    @property
    def database(self) -> Path:
        return self.folder / "state" / "database"

    @property
    def data(self) -> Path:
        return self.folder / "state" / "data"

    @property
    def calls(self) -> list[str]:
        return (self.folder / "state" / "calls").read_text().splitlines()

    def run(self, name: str, *words: str | Path, **given: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "STATE": str(self.folder / "state"), "URL": OWN, "BUCKET": "", "RUNNING": "", **given,
        }  # fmt: skip
        return subprocess.run(
            ["sh", str(self.folder / "deploy" / name), *map(str, words)],
            env=environment, cwd=self.folder, capture_output=True, text=True,
        )  # fmt: skip


@pytest.fixture
def full(tmp_path: Path) -> Site:
    site = Site(tmp_path / "full")
    site.database.write_bytes(b"PGDMP\0\xff rows")
    video = site.data / "archive" / "videos" / "2026" / "one.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"\0\0\0\x18ftyp")
    (site.folder / ".env").write_text("REELGATE_SIGNING_SECRET=canary\n")
    (site.folder / "secrets").mkdir()
    (site.folder / "secrets" / "onemin_api_key").write_text("canary")
    return site


@pytest.fixture
def empty(tmp_path: Path) -> Site:
    return Site(tmp_path / "empty")


@pytest.fixture
def backup(full: Site, tmp_path: Path) -> Path:
    done = full.run("backup.sh", tmp_path / "backups")
    assert done.returncode == 0, done.stderr
    (made,) = (tmp_path / "backups").iterdir()
    assert done.stdout.strip() == str(made)
    return made


def _files(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_what_is_backed_up_comes_back(full: Site, empty: Site, backup: Path) -> None:
    done = empty.run("restore.sh", backup)
    assert done.returncode == 0, done.stderr
    assert empty.database.read_bytes() == full.database.read_bytes()
    assert _files(empty.data) == _files(full.data) != {}
    assert (backup / "env").read_text() == (full.folder / ".env").read_text()
    assert _files(backup / "secrets") == _files(full.folder / "secrets")


def test_nobody_else_may_read_a_backup(backup: Path) -> None:
    assert [path for path in (backup, *backup.rglob("*")) if path.stat().st_mode & 0o077] == []


def test_the_database_is_copied_before_the_videos(full: Site, backup: Path) -> None:
    kinds = [word for call in full.calls for word in ("pg_dump", "tar") if f" {word} " in call]
    assert kinds == ["pg_dump", "tar"]


@pytest.mark.parametrize("fails", ["config", "pg_dump", "pg_restore --list", "tar"])
def test_a_backup_that_is_not_complete_is_not_there(full: Site, tmp_path: Path, fails: str) -> None:
    ended = full.run("backup.sh", tmp_path / "backups", FAILS=fails)
    assert ended.returncode == 1
    assert ended.stderr.startswith("\nbackup: ")
    assert list((tmp_path / "backups").iterdir()) == []


def test_what_is_elsewhere_is_not_taken_for_backed_up(full: Site, tmp_path: Path) -> None:
    ended = full.run("backup.sh", tmp_path / "backups", URL="postgresql://db.example.com/reelgate")
    assert ended.returncode == 1
    assert "docs/backup.md" in ended.stderr
    for bucket, named in {"s3://videos": True, "file:///data/videos": False}.items():
        done = full.run("backup.sh", tmp_path / bucket[:2], BUCKET=bucket)
        assert done.returncode == 0
        assert ("not in this backup" in done.stdout) is named


def test_what_may_have_been_sent_is_held_back_before_anything_runs(
    empty: Site, backup: Path
) -> None:
    assert empty.run("restore.sh", backup).returncode == 0
    acts = [call for call in empty.calls if " psql " not in call and " ps " not in call]
    assert [call.split()[-1] for call in acts] == [
        "postgres", "reelgate", "-", "migrate", "after-restore", "verify", "verify"
    ]  # fmt: skip
    assert [call for call in acts if " up " in call] == ["compose up --detach --wait postgres"]


def test_nothing_is_written_over(full: Site, empty: Site, backup: Path) -> None:
    before = full.database.read_bytes()
    ended = full.run("restore.sh", backup)
    assert ended.returncode == 1
    assert "the database is not empty" in ended.stderr
    assert full.database.read_bytes() == before
    ended = empty.run("restore.sh", backup, RUNNING="a1b2c3")
    assert ended.returncode == 1
    assert "docker compose stop api worker" in ended.stderr
    assert not empty.database.exists()


def test_a_worker_that_is_alive_ends_it(empty: Site, backup: Path) -> None:
    ended = empty.run("restore.sh", backup, FAILS="after-restore")
    assert ended.returncode == 1
    assert "api after-restore" in ended.stderr
    assert not [call for call in empty.calls if call.endswith("verify")]


def test_it_says_what_it_needs(empty: Site, tmp_path: Path) -> None:
    for name, words in {"backup.sh": [], "restore.sh": [tmp_path]}.items():
        ended = empty.run(name, *words)
        assert ended.returncode == 1
        assert f"deploy/{name}" in ended.stderr or "deploy/backup.sh" in ended.stderr
