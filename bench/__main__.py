"""Measure the gateway, print Markdown and save the figures. See bench/README.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from bench import archive, download, idle, in_flight, ledger, report, rounds, scale
from bench.rounds import Options

RESULTS = Path(__file__).with_name("results")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["api", "ledger", "idle", "in-flight", "scale", "archive", "download"],
        default="api",
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds")
    parser.add_argument("--members", type=int, default=20, help="members that share the creates")
    parser.add_argument("--connections", type=int, default=10_000, help="of `idle`")
    parser.add_argument("--calls", type=int, default=5_000, help="of `in-flight`")
    parser.add_argument("--generations", type=int, default=1_000_000, help="the past of `scale`")
    parser.add_argument("--folder", type=Path, help="where `scale` keeps its databases")
    parser.add_argument("--only", default="", help="of `scale`: what has this in its name")
    parser.add_argument("--videos", type=int, default=400, help="of a round of `archive`")
    parser.add_argument("--megabytes", type=int, default=200, help="of the file of `download`")
    parser.add_argument("--readers", type=int, default=50, help="slow ones, of `download`")
    parser.add_argument("--quick", action="store_true", help="one short round, as a check")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    given = parser.parse_args()
    if given.what == "ledger":
        by_size = ledger.measure(ledger.SIZES[:2] if given.quick else ledger.SIZES)
        print(json.dumps(by_size) if given.json else ledger.markdown(by_size))
        return 0
    if given.what == "idle":
        found = idle.measure(given.connections, seconds=given.seconds)
        print(json.dumps(asdict(found)) if given.json else idle.markdown(found))
        for problem in found.problems:
            print(f"bench: {problem}", file=sys.stderr)
        return 1 if found.problems else 0
    if given.what == "in-flight":
        flown = in_flight.measure(
            300 if given.quick else given.calls, seconds=5.0 if given.quick else 30.0
        )
        print(json.dumps(asdict(flown)) if given.json else in_flight.markdown(flown))
        for problem in flown.problems:
            print(f"bench: {problem}", file=sys.stderr)
        return 1 if flown.problems else 0
    if given.what == "archive":
        kept = archive.measure(
            40 if given.quick else given.videos, rounds=1 if given.quick else given.rounds
        )
        print(json.dumps(asdict(kept)) if given.json else archive.markdown(kept))
        return 0
    if given.what == "download":
        sent = download.measure(
            given.megabytes * 1_000_000,
            rounds=1 if given.quick else given.rounds,
            readers=given.readers,
        )
        print(json.dumps(asdict(sent)) if given.json else download.markdown(sent))
        for problem in sent.problems:
            print(f"bench: {problem}", file=sys.stderr)
        return 1 if sent.problems else 0
    if given.what == "scale":
        grown = scale.measure(
            10_000 if given.quick else given.generations, folder=given.folder, only=given.only
        )
        print(json.dumps(asdict(grown)) if given.json else scale.markdown(grown))
        return 0
    options = Options(
        seconds=1.0 if given.quick else given.seconds,
        rounds=1 if given.quick else given.rounds,
        members=given.members,
    )
    run = rounds.run(options)
    document = {"machine": _machine(), **run.to_json()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(document, indent=1))
    print(json.dumps(document) if given.json else report.markdown(run))
    for problem in run.problems:
        print(f"bench: {problem}", file=sys.stderr)
    return 1 if run.problems else 0


def _machine() -> dict[str, object]:
    """What the figures depend on besides the program itself."""
    return {
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": sys.version.split()[0],
    }


if __name__ == "__main__":
    sys.exit(main())
