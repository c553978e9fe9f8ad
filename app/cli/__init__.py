"""The command line of Reelgate: one file per family of commands.

Ctrl-C and SIGTERM are blocked while modules are imported, where an exception would be reported only
in part. The command that runs next ends with one sentence.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    # Videos, prompts and secrets are for this user only, even if others may enter the data folder
    # or the archive.
    os.umask(0o077)
    # Help needs none of the libraries.
    if {"--help", "--version"}.isdisjoint(sys.argv):
        from app import lean

        lean.load()
    from app.cli.commands import cli

    try:
        code = cli()
    finally:
        # Only the exit is left; another signal ends the process at once and silently.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
    sys.exit(code)
