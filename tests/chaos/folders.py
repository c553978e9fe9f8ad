"""A folder that is taken away under those who write into it, and brought back with all of it."""

from __future__ import annotations

import shutil
from pathlib import Path


def take_away(folder: Path) -> Path:
    """A file where the folder was. Returns where it is now."""
    away = folder.with_name(f"{folder.name}.away")
    folder.rename(away)
    while True:
        try:
            with folder.open("xb") as file:
                file.write(b"not a folder")
            return away
        except FileExistsError:
            join(folder, away)


def bring_back(folder: Path, away: Path) -> None:
    folder.unlink()
    while True:
        try:
            away.rename(folder)
            return
        except OSError:
            join(folder, away)


def join(anew: Path, away: Path) -> None:
    """Whoever writes makes the folders that are missing, also in the moment between two steps:
    what came to be in one of these is put with the rest."""
    aside = anew.with_name(f"{anew.name}.aside")
    anew.rename(aside)
    for path in [path for path in aside.rglob("*") if path.is_file()]:
        kept = away / path.relative_to(aside)
        kept.parent.mkdir(parents=True, exist_ok=True)
        path.rename(kept)
    shutil.rmtree(aside)
