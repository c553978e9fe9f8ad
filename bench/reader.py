"""Reads a response as fast as it comes, and throws it away.

Run as `python -m bench.reader < plan.json` in a process of its own. Prints the seconds until all
connections have read their last byte.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

_HOST = "127.0.0.1"
_BLOCK = bytearray(1 << 20)


def request_of(path: str, *, headers: str = "") -> str:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{headers}\r\n"


def read(port: int, request: str, length: int) -> None:
    """Raises `SystemExit` unless exactly so many bytes come with 200."""
    block, passed = bytearray(_BLOCK), 0
    with socket.create_connection((_HOST, port)) as connection:
        connection.sendall(request.encode())
        head = b""
        while b"\r\n\r\n" not in head:
            got = connection.recv(4096)
            if not got:
                raise SystemExit(f"no answer: {head!r}")
            head += got
        head, _, rest = head.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"unexpected answer: {head!r}")
        passed = len(rest)
        while count := connection.recv_into(block):
            passed += count
    if passed != length:
        raise SystemExit(f"{passed} bytes came instead of {length}")


def main() -> None:
    plan = json.load(sys.stdin)
    connections = plan["connections"]
    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as threads:
        list(
            threads.map(
                read,
                *zip(*[(plan["port"], plan["request"], plan["length"])] * connections, strict=True),
            )
        )
    json.dump({"seconds": time.perf_counter() - started}, sys.stdout)


if __name__ == "__main__":
    main()
