"""Runs commands as an operator would, quickly: a process that has loaded the program once forks for
each of them. Run as a module, this is that process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.processes import environment

#: A command that runs longer than this hangs.
_SECONDS = 120.0
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Ran:
    """`code` is None if it was stopped because it printed `until`, or did not end."""

    code: int | None
    out: str
    err: str


class Commands:
    def __init__(self, server: subprocess.Popen[str], folder: Path) -> None:
        self._server = server
        self._folder = folder

    def run(
        self, *words: str, settings: Mapping[str, str], folder: Path | None = None, until: str = ""
    ) -> Ran:
        """`until` is what the command prints on standard error once it has started and would keep
        running."""
        folder = folder or self._folder
        request = {
            "words": words, "until": until, "folder": str(folder),
            "environment": environment(folder, settings),
        }  # fmt: skip
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return Ran(**json.loads(self._server.stdout.readline()))


@contextmanager
def commands(folder: Path) -> Iterator[Commands]:
    """Runs commands in `folder`."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__], cwd=Path(__file__).parents[2], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(folder, {}),
    ) as server:  # fmt: skip
        yield Commands(server, folder)


def _serve() -> None:
    import alembic.command  # noqa: F401

    import app.cli.commands
    import app.operators.doctor
    import app.processes
    import app.webhooks.payloads
    import app.worker.run  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(_ran(**json.loads(line))), flush=True)


def _ran(
    words: list[str], until: str, folder: str, environment: dict[str, str]
) -> dict[str, object]:
    out, err = Path(folder, ".said-out"), Path(folder, ".said-err")
    with out.open("wb") as out_file, err.open("wb") as err_file:
        child = os.fork()
        if child == 0:
            _become(words, folder, environment, out_file.fileno(), err_file.fileno())
    deadline, code = time.monotonic() + _SECONDS, None
    while code is None:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
        elif time.monotonic() > deadline or (until and until in err.read_text()):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        else:
            time.sleep(_LOOK_SECONDS)
    return {"code": code, "out": out.read_text(), "err": err.read_text()}


def _become(words: list[str], folder: str, environment: dict[str, str], out: int, err: int) -> None:
    """Runs the command as `reelgate` would."""
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = ["reelgate", *words]
        from app.cli import main

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
