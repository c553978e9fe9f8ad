"""The command line of Reelgate: one file for each family of commands.

Ctrl-C and SIGTERM wait while modules are imported, where an exception would be half reported and
half lost; what runs next ends with one sentence.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    # Videos, prompts and secrets are for this user alone, also where others may enter the data
    # folder or that of the archive.
    os.umask(0o077)
    from app.cli.commands import cli

    try:
        code = cli()
    finally:
        # What is left is to end: another signal does that at once, without a word.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
    sys.exit(code)
