"""The requests of each measurement, as raw HTTP/1.1."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass

from bench.processes import Server

#: The example of the upstream's documentation.
BODY = json.dumps(
    {
        "type": "TEXT_TO_VIDEO",
        "model": "luma",
        "promptObject": {
            "prompt": "a majestic lion walking through golden savanna at sunset",
            "modelName": "ray-v3",
            "duration": "5s",
            "aspectRatio": "16:9",
            "resolution": "720p",
            "loop": False,
        },
    }
)

CREATE = "create → 202"
RESULT = "GET /api/results/{uuid}"
GENERATION = "GET /api/v1/generations/{id}"
VIDEO = "GET /v1/videos/{id}"
BARE = "floor: bare route"
INSERT = "floor: route + INSERT"
COMMITS = "floor: route + two commits"


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    server: Server
    expected: int
    requests: list[str]


def create(server: Server, keys: list[str]) -> Target:
    requests = [
        _request("POST", "/api/features", key=key, body=BODY, prefer="respond-async")
        for key in keys
    ]
    return Target(CREATE, server, 202, requests)


def waiting_create(key: str) -> str:
    """A create that waits for its video."""
    return _request("POST", "/api/features", key=key, body=BODY)


def result(server: Server, made: list[tuple[str, str]]) -> Target:
    requests = [_request("GET", f"/api/results/{uuid}", key=key) for key, uuid in made]
    return Target(RESULT, server, 200, requests)


def generation(server: Server, made: list[tuple[str, str]]) -> Target:
    requests = [_request("GET", f"/api/v1/generations/{uuid}", key=key) for key, uuid in made]
    return Target(GENERATION, server, 200, requests)


def video(server: Server, made: list[tuple[str, str]]) -> Target:
    requests = [_request("GET", f"/v1/videos/{uuid}", key=key) for key, uuid in made]
    return Target(VIDEO, server, 200, requests)


def bare(server: Server) -> Target:
    return Target(BARE, server, 200, [_request("GET", "/floor")])


def insert(server: Server) -> Target:
    return Target(INSERT, server, 200, [_request("POST", "/floor", body=BODY)])


def commits(server: Server) -> Target:
    return Target(COMMITS, server, 200, [_request("POST", "/floor", body=BODY)])


def first_creates(server: Server, keys: list[str]) -> list[tuple[str, str]]:
    """Creates one generation for each key, for the status reads to find: (key, uuid)."""
    made = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for key in keys:
        headers = {
            "API-KEY": key, "Content-Type": "application/json", "Prefer": "respond-async",
        }  # fmt: skip
        connection.request("POST", "/api/features", body=BODY, headers=headers)
        answer = connection.getresponse()
        document = json.loads(answer.read())
        if answer.status != 202:
            raise SystemExit(f"A create was answered with {answer.status}: {document}")
        made.append((key, document["aiRecord"]["uuid"]))
    connection.close()
    return made


def _request(
    method: str, path: str, *, key: str | None = None, body: str = "", prefer: str | None = None
) -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*", "User-Agent: bench"]
    if key is not None:
        lines.append(f"API-KEY: {key}")
    if prefer is not None:
        lines.append(f"Prefer: {prefer}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body.encode())}"]
    return "\r\n".join(lines) + "\r\n\r\n" + body
