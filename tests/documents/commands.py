"""`reelgate` as a page calls it, run by a process that has loaded the program already: loading it
for each command would take most of a page's time."""

from __future__ import annotations

import contextlib
import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.harness.commands import Commands, commands

#: Passes a command on, with its folder and environment. It starts in hundredths of a second, since
#: it loads nothing but these modules.
_STAND_IN = """\
#!{python} -ISs
import json, os, socket, sys
given = {{"words": sys.argv[1:], "folder": os.getcwd(), "settings": dict(os.environ)}}
with socket.socket(socket.AF_UNIX) as channel:
    channel.connect({address!r})
    with channel.makefile("rw") as lines:
        print(json.dumps(given), file=lines, flush=True)
        ran = json.loads(lines.readline())
sys.stdout.write(ran["out"])
sys.stderr.write(ran["err"])
sys.exit(1 if ran["code"] is None else ran["code"])
"""


@contextlib.contextmanager
def standing_in(folder: Path) -> Iterator[Path]:
    """Yields a program for the folder `bin` of a reader. `folder` has a short path, as sockets
    need."""
    address = folder / "commands"
    program = folder / "reelgate"
    program.write_text(_STAND_IN.format(python=sys.executable, address=str(address)))
    program.chmod(0o755)
    with commands(folder) as running, _Listener(address, running) as listener:
        listening = threading.Thread(target=listener.serve_forever)
        listening.start()
        try:
            yield program
        finally:
            listener.shutdown()
            listening.join()


class _Listener(socketserver.UnixStreamServer):
    """One command at a time."""

    def __init__(self, address: Path, running: Commands) -> None:
        super().__init__(str(address), _Channel)
        self.running = running


class _Channel(socketserver.StreamRequestHandler):
    server: _Listener

    def handle(self) -> None:
        given = json.loads(self.rfile.readline())
        ran = self.server.running.run(
            *given["words"], folder=Path(given["folder"]), settings=given["settings"]
        )
        answer = {"code": ran.code, "out": ran.out, "err": ran.err}
        self.wfile.write(json.dumps(answer).encode() + b"\n")
