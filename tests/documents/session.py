"""Runs the blocks of a page as its reader would: in their order, in one shell and one folder."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.documents.pages import Block

#: Ends only what never ends by itself, not what is late on a busy machine.
_SECONDS = 600


def run(
    page: Sequence[Block], folder: Path, *, replace: Mapping[str, str], environment: dict[str, str]
) -> dict[Block, str]:
    """What each block of commands printed on standard output. `folder` is where the reader works.
    `replace` changes the page's addresses and key to real ones. Nothing that a block leaves running
    outlives this; a command that fails ends it."""
    scripts = folder.with_name(f"{folder.name}.blocks")
    scripts.mkdir()
    folder.mkdir()
    lines = ["set -euo pipefail"]
    outputs: dict[Block, Path] = {}
    for number, block in enumerate(page):
        text = block.text
        for shown, real in replace.items():
            text = text.replace(shown, real)
        script = scripts / str(number)
        script.write_text(text)
        if block.commands:
            outputs[block] = script.with_suffix(".out")
            lines.append(f"source {script} >{script}.out 2>{script}.err")
        else:
            lines.append(f"install -D -m 644 {script} {shlex.quote(str(folder / block.file))}")
    code = _bash("\n".join(lines), folder, environment)
    started = {block: out for block, out in outputs.items() if out.exists()}
    if code != 0:
        block, out = list(started.items())[-1]
        said = out.read_text(errors="replace") + out.with_suffix(".err").read_text(errors="replace")
        raise AssertionError(f"{block} ended with {code}:\n{block.text}\n{said[-6000:]}")
    return {block: out.read_text(errors="replace") for block, out in started.items()}


def _bash(script: str, folder: Path, environment: dict[str, str]) -> int:
    """Its exit code. Ends its whole process group, with what runs in the background."""
    with subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-c", script], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as shell:  # fmt: skip
        try:
            return shell.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            return -1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
