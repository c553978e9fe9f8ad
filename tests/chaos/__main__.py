"""`python -m tests.chaos`: exit code 0 where every promise was kept, 1 where one was not."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.chaos import plan as plans
from tests.chaos import report
from tests.chaos.run import run


def main() -> int:
    arguments = _arguments()
    console = Console(width=160 if not sys.stdout.isatty() else None)
    plan = plans.make(
        generations=arguments.generations, minutes=arguments.minutes, seed=arguments.seed
    )
    if arguments.plan:
        report.show_plan(console, plan)
        return 0
    # Asked to end, it ends what it started first.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="reelgate-chaos-"))
    kept = False
    try:
        result = run(plan, folder, lambda line: console.print(line, highlight=False))
        report.show(console, result)
        if arguments.markdown:
            print(report.markdown(result))
        kept = result.kept
    except KeyboardInterrupt:
        console.print("Interrupted: every process is ended, nothing was checked.")
    finally:
        if kept:
            shutil.rmtree(folder)
        else:
            console.print(f"Logs, books and archive are in {folder}.", soft_wrap=True)
    return 0 if kept else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--generations", type=int, default=200, help="how many to aim at")
    parser.add_argument("--minutes", type=float, default=3.0, help="how long it runs under load")
    parser.add_argument("--seed", type=int, default=1, help="what is done, to whom and when")
    parser.add_argument("--plan", action="store_true", help="print the plan and end")
    parser.add_argument("--markdown", action="store_true", help="also print it for the document")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
