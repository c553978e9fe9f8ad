"""`deploy/nginx.conf` and `deploy/Caddyfile`, run by the programs themselves on loopback.

Every API and proxy has an address of its own with the same port: the first API finds a free one,
and nobody else uses it at these addresses.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from tests.harness.processes import Process, ending_processes, until
from tests.harness.toolchains import program
from tests.structure.sources import read
from tests.upstream.loopback import TLS

#: The name in the certificate.
HOST = "video.test"
_HOSTS = {"nginx": "127.0.0.4", "caddy": "127.0.0.5"}


class Front:
    """One proxy, and clients of it that speak TLS and check its certificate."""

    def __init__(self, process: Process, host: str, port: int) -> None:
        self.process = process
        self._address = (host, port)
        self.http = self.client()
        until(self._accepts, f"{process.name} listens")

    def _accepts(self) -> bool:
        assert self.process.running, self.process.errors
        with contextlib.suppress(OSError), socket.create_connection(self._address):
            return True
        return False

    def client(self, *, local_address: str | None = None) -> httpx.Client:
        host, port = self._address
        return httpx.Client(
            base_url=f"https://{HOST}:{port}", timeout=60, trust_env=False,
            transport=_To(host, local_address),
        )  # fmt: skip


class _To(httpx.HTTPTransport):
    """Connects to one address, whatever the name."""

    def __init__(self, host: str, local_address: str | None) -> None:
        trusted = ssl.create_default_context(cafile=str(TLS / "certificate.pem"))
        super().__init__(verify=trusted, local_address=local_address)
        self._host = host

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._host)
        return super().handle_request(request)


@contextlib.contextmanager
def front(
    kind: str, folder: Path, apis: Sequence[str], port: int, *, host: str = "", **changes: str
) -> Iterator[Front]:
    """`apis` are addresses, with one port. `changes` are directives of the file with other
    values."""
    folder.mkdir(parents=True, exist_ok=True)
    host = host or _HOSTS[kind]
    with ending_processes() as started, _names(apis) as resolver:
        if kind == "nginx":
            process = _nginx(folder, host, port, resolver, changes)
        else:
            process = _caddy(folder, host, port, resolver, changes)
        started.append(process)
        try:
            running = Front(process, host, port)
            yield running
            running.http.close()
        finally:
            # Workers of nginx outlive a master that is killed.
            os.killpg(process.pid, signal.SIGKILL)


def _nginx(folder: Path, host: str, port: int, resolver: int, changes: dict[str, str]) -> Process:
    mine = read("deploy/nginx.conf").replace("/tmp/", f"{folder}/").replace(":8080", f":{port}")
    text = _adapted(mine, {
        "listen 443": f"listen {host}:{port}",
        "resolver 127.0.0.11": f"resolver 127.0.0.1:{resolver}",
        "/etc/nginx/tls/certificate.pem": str(TLS / "certificate.pem"),
        "/etc/nginx/tls/key.pem": str(TLS / "key.pem"),
        "worker_processes auto": "worker_processes 1",
        "worker_connections 16384": "worker_connections 512",
    }, changes)  # fmt: skip
    file = folder / "nginx.conf"
    file.write_text(text)
    # Its workers are else another user's, who may not enter the folders of a test.
    asked = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    return Process(
        "-c", str(file), "-e", "/dev/stderr", "-g", asked,
        folder=folder, name="nginx", settings={}, program=(program("nginx"),),
    )  # fmt: skip


def _caddy(folder: Path, host: str, port: int, resolver: int, changes: dict[str, str]) -> Process:
    certificate, key = TLS / "certificate.pem", TLS / "key.pem"
    text = _adapted(read("deploy/Caddyfile"), {
        # Neither ports of this machine nor a certificate from elsewhere.
        "{\n\tservers": "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers",
        "video.example.com {":
            f"https://{HOST}:{port} {{\n\tbind {host}\n\ttls {certificate} {key}",
        "localhost:8080": f"api:{port}",
        "transport http {": f"transport http {{\n\t\t\tresolvers udp/127.0.0.1:{resolver}",
    }, changes)  # fmt: skip
    file = folder / "Caddyfile"
    file.write_text(text)
    return Process(
        "run", "--adapter", "caddyfile", "--config", str(file),
        folder=folder, name="caddy", settings={}, program=(program("caddy"),),
    )  # fmt: skip


def _adapted(text: str, replaced: dict[str, str], changes: dict[str, str]) -> str:
    for old, new in replaced.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    for directive, value in changes.items():
        text, found = re.subn(rf"(?m)^(\s*{directive}) [^;\n]*", rf"\1 {value}", text)
        assert found == 1, directive
    return text


@contextlib.contextmanager
def _names(addresses: Sequence[str]) -> Iterator[int]:
    """The port of a name server for which every name has these addresses, as Docker's has for a
    service, and as `localhost` has two."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        answering = threading.Thread(target=_answer, args=(server, addresses), daemon=True)
        answering.start()
        try:
            yield server.getsockname()[1]
        finally:
            # An empty datagram ends it.
            server.sendto(b"", server.getsockname())
            answering.join()


def _answer(server: socket.socket, addresses: Sequence[str]) -> None:
    while True:
        query, client = server.recvfrom(512)
        if not query:
            return
        end = query.index(b"\0", 12) + 5
        # Others than IPv4 addresses it knows none.
        known = addresses if query[end - 4 : end - 2] == b"\0\1" else []
        head = query[:2] + struct.pack("!5H", 0x8180, 1, len(known), 0, 0)
        # Each a pointer to the name that was asked for, then type, class, seconds and length.
        answers = b"".join(
            struct.pack("!HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(address)
            for address in known
        )
        server.sendto(head + query[12:end] + answers, client)
