"""The process in which files from outside are read: `python -m app.videos.sandbox`.

It loads the libraries once and forks for each file. A fork gets two open files, the file and a
pipe for its answer, and gives up everything else: its memory and time are limited, and it cannot
open a file or a connection, write a file, or start a program. Whatever a file does to a fork ends
with that fork; the next file gets a new one.

A request is one byte of `ACTIONS`, sent over standard input with the two descriptors. The answer is
one line of JSON, or nothing if the file ended its fork.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import io
import json
import os
import resource
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from app.inputs import images
from app.inputs.images import NotAnImage
from app.videos.mp4 import NotAVideo
from app.videos.probe import probe
from app.videos.thumbnails import spritesheet, thumbnail

Act = Callable[[BinaryIO], dict[str, Any]]

#: In addition to what the libraries take. A film of 4096 x 2304 with as many reference frames as
#: its level allows needs about half of it.
MEMORY_BYTES = 256 << 20
#: Processor time. A sprite sheet of ten seconds of that size takes half of it.
CPU_SECONDS = 60
#: Wall-clock time, also while it uses no processor. On a busy machine, work takes several times as
#: long.
WALL_SECONDS = 180


def _picture(make: Callable[[BinaryIO], bytes]) -> Act:
    return lambda file: {"picture": base64.b64encode(make(file)).decode("ascii")}


ACTIONS: Mapping[bytes, Act] = {
    b"p": lambda file: {"probe": asdict(probe(file))},
    b"t": _picture(thumbnail),
    b"s": _picture(spritesheet),
    b"i": lambda file: {"image": asdict(images.inspect(file))},
    b"u": _picture(images.upright),
}


def main(actions: Mapping[bytes, Act] = ACTIONS) -> None:
    """Runs until the other end of standard input is closed. Its forks end with it, since nobody
    would read their answers."""
    _load()
    signal.signal(signal.SIGCHLD, _reap)
    # Ctrl-C is for the process that started this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _prefer_to_be_killed()
    # Otherwise the first collection in a fork would copy every page with an object on it.
    gc.collect()
    gc.freeze()
    limit = None if (used := _address_space()) is None else used + MEMORY_BYTES
    with socket.socket(fileno=os.dup(0)) as requests:
        _silence(0)
        while True:
            action, descriptors, _, _ = socket.recv_fds(requests, 1, 2)
            if not action:
                os.killpg(0, signal.SIGKILL)
            if len(descriptors) == 2 and os.fork() == 0:
                requests.close()
                _answer(actions[action], *descriptors, memory=limit)
            for descriptor in descriptors:
                os.close(descriptor)


def _load() -> None:
    """Loads everything that a fork would load, because a fork cannot open files. Both libraries
    load parts at their first use, so this uses them."""
    import av
    import av.audio.codeccontext
    import av.subtitles.codeccontext
    import av.subtitles.stream

    film = io.BytesIO()
    with av.open(film, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width, stream.height = 16, 16
        container.mux([*stream.encode(av.VideoFrame(16, 16, "yuv420p")), *stream.encode()])
    for act in (probe, thumbnail, spritesheet):
        act(film)
    for sample in images.samples():
        images.inspect(sample)
        images.upright(sample)


def _reap(_signal: int, _frame: object) -> None:
    """Ignoring the signal would do the same, but then nobody could see what the forks have cost."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _prefer_to_be_killed() -> None:
    """If memory runs out after all, the system kills this process and not the gateway."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _address_space() -> int | None:
    """The bytes of it that are in use; None if the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return None
    return pages * resource.getpagesize()


def _answer(act: Act, video: int, reply: int, *, memory: int | None) -> NoReturn:
    """Reads one file in this fork, then ends it."""
    try:
        _confine(memory)
        with os.fdopen(video, "rb", buffering=0) as file:
            answer = _outcome(act, file)
        content = json.dumps(answer).encode()
        while content:
            content = content[os.write(reply, content) :]
    finally:
        os._exit(0)


def _outcome(act: Act, file: BinaryIO) -> dict[str, Any]:
    try:
        return act(file)
    except (NotAVideo, NotAnImage) as refusal:
        return {"refused": str(refusal)}
    except MemoryError:
        return {"refused": "it needs too much memory"}
    except OSError as error:
        return {"unreadable": error.errno}
    except Exception as error:
        return {"failed": type(error).__name__}


def _silence(*descriptors: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _confine(memory: int | None) -> None:
    """Permanently gives up what reading a file does not need."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(WALL_SECONDS)
    # Libav prints messages there, which may quote the file.
    _silence(1, 2)
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_NOFILE, 0),
    ]
    if memory is not None:
        limits.append((resource.RLIMIT_AS, memory))
    for limit, value in limits:
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
