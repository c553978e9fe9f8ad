"""Paths and links of a finished video that are not what they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.standin.records import SUCCESS
from tests.standin.script import Oddity, Scene

MANY = 50_000


def _paths(name: str, make: Callable[[str, Scene], Any]) -> Oddity:
    """Another `resultObject`, made of the one path that is right. The link stays."""

    def said(document: Any, scene: Scene) -> Any:
        record = document["aiRecord"]
        if record["status"] == SUCCESS:
            detail = record["aiRecordDetail"]
            detail["resultObject"] = make(detail["resultObject"][0], scene)
        return document

    return Oddity(name=name, document=said)


def _link(name: str, make: Callable[[str, Scene], Any]) -> Oddity:
    """Another `temporaryUrl`, made of the one that is right."""

    def said(document: Any, scene: Scene) -> Any:
        record = document["aiRecord"]
        if record["status"] == SUCCESS:
            record["temporaryUrl"] = make(record["temporaryUrl"], scene)
        return document

    return Oddity(name=name, document=said)


def _owned(_: str, scene: Scene) -> list[str]:
    assert scene.record is not None
    account = scene.record.account
    return [
        f"teams/{account.team_id}/{account.mail}/v.mp4%3FX-Amz-Signature%3Dcanary-signed",
        f"videos/{account.name}.mp4",
    ]


def _fixed(link: object) -> Callable[[str, Scene], object]:
    return lambda _link, _scene: link


ODDITIES = (
    _paths("paths_50000", lambda path, _: [path, *(f"videos/{n}.mp4" for n in range(MANY))]),
    _paths("paths_of_owner", _owned),
    _paths("path_signed", lambda path, _: [f"{path}?X-Amz-Signature=canary-signed"]),
    _paths("path_with_nul", lambda path, _: [f"{path}\x00\ud800"]),
    _paths("path_climbing", lambda _, __: ["../../../../etc/passwd"]),
    _paths("path_of_1_mb", lambda _, __: ["videos/" + "v" * 1_000_000 + ".mp4"]),
    _paths("paths_of_numbers", lambda _, __: [1, None, {"path": "x"}]),
    _paths("path_text", lambda path, _: path),
    _paths("path_object", lambda path, _: {"url": path}),
    _paths("paths_none", lambda _, __: []),
    _link("link_null", _fixed(None)),
    _link("link_empty", _fixed("")),
    _link("link_number", _fixed(7)),
    _link("link_list", lambda link, _: [link]),
    _link("link_script", _fixed("javascript:alert(1)")),
    _link("link_file", _fixed("file:///etc/passwd")),
    _link("link_metadata", _fixed("http://169.254.169.254/latest/meta-data/")),
    _link("link_other_host", lambda link, _: link.replace("127.0.0.1", "localhost")),
    _link("link_other_port", _fixed("http://127.0.0.1:1/asset.1min.ai/v.mp4")),
    _link("link_userinfo", lambda link, _: link.replace("http://", "http://a:b@127.0.0.1@")),
    _link("link_bad_port", _fixed("http://127.0.0.1:99999999/v.mp4")),
    _link("link_brackets", _fixed("http://[::1/v.mp4")),
    _link("link_lines", lambda link, _: f"{link}\r\nX-Injected: 1"),
    _link("link_surrogate", lambda link, _: f"{link}&x=\ud800\x00"),
    _link("link_of_1_mb", lambda link, _: f"{link}&x={'x' * 1_000_000}"),
    _link("link_unsigned", lambda link, _: link.partition("?")[0]),
)
