"""Records that show another prompt than the one asked for, or another id."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable
from typing import Any

from tests.standin.records import FAILURE, Record
from tests.standin.script import Oddity, Scene

_CUT = 200


def _echo(name: str, change: Callable[[str], Any], *, failing: bool = False) -> Oddity:
    """The record is ours; its prompt has been through something."""

    def said(document: Any, _: Scene) -> Any:
        shown = document["aiRecord"]["aiRecordDetail"]["promptObject"]
        shown["prompt"] = change(shown["prompt"])
        return document

    return Oddity(name=name, record=_failed if failing else None, document=said)


def _failed(record: Record, _: Scene) -> None:
    record.price, record.failure = 0, {"code": "GENERATION_FAILED", "message": "failed"}


def _enhanced(prompt: str) -> str:
    return f"Cinematic wide shot. {prompt}, golden hour, 35 mm, shallow depth of field"


_CHANGES: dict[str, Callable[[str], Any]] = {
    "enhanced": _enhanced,
    "nfd": lambda prompt: unicodedata.normalize("NFD", prompt),
    "nfkc": lambda prompt: unicodedata.normalize("NFKC", prompt),
    "escaped": lambda prompt: html.escape(prompt, quote=True),
    "escaped_twice": lambda prompt: html.escape(html.escape(prompt)),
    "lower": str.lower,
    "cut": lambda prompt: prompt[:_CUT],
    "cut_with_dots": lambda prompt: prompt[:_CUT] + "...",
    "spaces": lambda prompt: "  ".join(prompt.split()) + "\n",
    "translated": lambda _: "Ein Löwe geht im goldenen Abendlicht durch die Savanne",
    "empty": lambda _: "",
    "null": lambda _: None,
    "list": lambda prompt: [prompt],
}


def _of_another(document: Any, scene: Scene) -> Any:
    """Our id, and everything else of the newest record of another prompt. Its link is its own."""
    assert scene.record is not None
    other = scene.another(scene.record)
    if other is None:
        return document
    shown: Any = scene.shelf.document(other)
    shown["aiRecord"]["uuid"] = scene.record.uuid
    return shown


def _failure_of_another(document: Any, scene: Scene) -> Any:
    shown = _of_another(document, scene)["aiRecord"]
    shown["status"] = FAILURE
    shown["aiRecordDetail"]["resultObject"] = {"code": "FAILED", "message": "not ours"}
    shown.pop("temporaryUrl", None)
    return {"aiRecord": shown}


def _echo_of_another(document: Any, scene: Scene) -> Any:
    """All of it is ours but the prompt it shows."""
    assert scene.record is not None
    other = scene.another(scene.record)
    if other is not None:
        document["aiRecord"]["aiRecordDetail"]["promptObject"]["prompt"] = other.prompt
    return document


def _takes_uuid(record: Record, scene: Scene) -> None:
    """One id for two requests: from now on it means this one."""
    other = scene.another(record)
    if other is not None:
        record.uuid = other.uuid


def _uuid(name: str, change: Callable[[str], str]) -> Oddity:
    def said(document: Any, _: Scene) -> Any:
        document["aiRecord"]["uuid"] = change(document["aiRecord"]["uuid"])
        return document

    return Oddity(name=name, document=said)


ODDITIES = (
    *(_echo(f"echo_{name}", change) for name, change in _CHANGES.items()),
    *(_echo(f"failure_echo_{name}", change, failing=True) for name, change in _CHANGES.items()),
    Oddity(name="echo_of_another", document=_echo_of_another),
    Oddity(name="record_of_another", document=_of_another),
    Oddity(name="failure_of_another", document=_failure_of_another),
    Oddity(name="uuid_of_another", record=_takes_uuid),
    _uuid("uuid_upper_case", str.upper),
    _uuid("uuid_in_braces", lambda uuid: f"{{{uuid}}}"),
    _uuid("uuid_without_dashes", lambda uuid: uuid.replace("-", "")),
    _uuid("uuid_spaced", lambda uuid: f" {uuid}\n"),
    _uuid("uuid_of_nobody", lambda _: "0b6d3a4e-7c2f-4d51-9e8a-5f1c2b3d4e6f"),
)
