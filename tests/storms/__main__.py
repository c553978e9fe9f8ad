"""`python -m tests.storms [kind …]`: every oddity of these kinds once, or of all; exit code 1 where
something was not right."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.harness import database
from tests.storms import draw, storm, verdict
from tests.storms.place import memory, place


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.storms", description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(draw.KINDS), metavar="kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", metavar="NAMES", help="these oddities, by commas")
    parser.add_argument("--held", action="store_true", help="creates wait for the video")
    asked = parser.parse_args()
    settings = {"REELGATE_UPSTREAM_ASYNC": "false"} if asked.held else {}
    wrong = 0
    with (
        tempfile.TemporaryDirectory(prefix="reelgate-", ignore_cleanup_errors=True) as folder,
        database.running(Path(folder) / "postgres") as server,
    ):
        for kind in asked.kinds:
            with (
                server.fresh() as address,
                place(address, Path(folder) / kind, **settings) as there,
            ):
                begin = time.monotonic()
                only = set(asked.only.split(",")) - {""}
                drawn = [
                    each
                    for each in draw.trials(kind, held=asked.held)
                    if not only or each.name in only
                ]
                wishes = draw.wishes(drawn, seed=asked.seed)
                try:
                    found = verdict.findings(there, storm.run(there, wishes))
                except BaseException:
                    print(there.site.logs()[-20_000:])
                    raise
                took = time.monotonic() - begin
                most = max(memory(worker) for worker in there.workers) / 1e6
                print(f"== {kind}: {len(wishes)} videos, {took:.0f} s, {most:.0f} MB", flush=True)
                print(*found, sep="\n", flush=True)
                wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
