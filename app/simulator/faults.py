"""The faults that the simulator produces on demand. Pure data.

A rule (`POST /_simulator/rules`) asks for a fault with `{"name": ..., options}`, a prompt with
`[sim:name]`, which takes the default options. `paths` lists where a fault is possible; the first
is the default. With `accepted` the record is made and billed before the fault happens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

FEATURES, RESULTS, DOWNLOAD, ASSETS = "features", "results", "download", "assets"
#: Those that a prompt leads to. An upload comes before any prompt.
PATHS = (FEATURES, RESULTS, DOWNLOAD)

_API = (FEATURES, RESULTS)
_KEYED = (FEATURES, RESULTS, ASSETS)
_ALL = (FEATURES, RESULTS, DOWNLOAD, ASSETS)
_SUBMIT = (FEATURES,)
_FILE = (DOWNLOAD,)


class InvalidFault(ValueError):
    """The message says what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    description: str
    paths: tuple[str, ...]
    options: Mapping[str, Any]


def _kind(description: str, paths: tuple[str, ...], **options: Any) -> FaultKind:
    return FaultKind(description, paths, MappingProxyType(options))


_FAILURE = {"shape": "object", "code": "GENERATION_FAILED", "billed": False}
_MESSAGE = "The video could not be generated"

FAULTS: Mapping[str, FaultKind] = MappingProxyType(
    {
        # An error answer; no record
        "status": _kind(
            "any status, body (JSON or text) and headers", _ALL,
            status=500, body=None, headers={}, accepted=False,
        ),
        "unsupported_model": _kind("400 UNSUPPORTED_MODEL", _API),
        "missing_fields": _kind("400 MISSING_REQUIRED_FIELDS; `details` is a JSON string", _API),
        "validation": _kind("422 PROMPT_OBJECT_VALIDATION_FAILED", _API),
        "unknown_error": _kind("400 UNKNOWN_ERROR", _API),
        "external_error": _kind(
            "400 with the provider's error inside, which leaks internal data", _API,
            provider_status=400, message=None, accepted=False,
        ),
        "key_deleted": _kind("401, the key is deleted", _KEYED),
        "key_inactive": _kind("401, the key is not active", _KEYED),
        "insufficient_credits": _kind(
            "no credits: `form` is envelope, or record (200; resultObject has the error)", _SUBMIT,
            status=402, form="envelope",
        ),
        "rate_limited": _kind(
            "429; with `bare`, a short body without errorCode", _KEYED,
            retry_after=None, bare=False,
        ),
        "http_500": _kind("500 with an HTML page", _ALL, accepted=False),
        "http_502": _kind("502 with an HTML page", _ALL, accepted=False),
        "http_503": _kind("503 with an HTML page", _ALL, accepted=False),
        "http_504": _kind("504, while the origin goes on working", _ALL, accepted=True),
        "http_522": _kind("522: the origin was not reached", _ALL, accepted=False),
        "http_524": _kind("524, while the origin goes on working", _ALL, accepted=True),
        "html_200": _kind("200 with an HTML page", _KEYED, accepted=False),
        "challenge_403": _kind("403 with cf-mitigated: challenge", _ALL),
        "not_acceptable_406": _kind("406 with a short text", _API),
        # The connection
        "reset_before": _kind("reset at once; nothing is recorded or billed", _ALL),
        "reset_after": _kind("recorded and billed, then reset without an answer", _KEYED),
        "half_body": _kind("half of the JSON, then closed", _KEYED),
        "slow_drip": _kind("the JSON arrives slowly, over `seconds`", _KEYED, seconds=5.0),
        "hang": _kind("accepted, no answer for `seconds`, then closed", _ALL, seconds=60.0),
        "delay": _kind("works as usual, `seconds` later", _ALL, seconds=2.0),
        # What happens to the record
        "failed_200": _kind(
            "200 with a failed record; `shape` is object, array or string", _SUBMIT,
            status="FAILED", message=_MESSAGE, **_FAILURE,
        ),
        "fail_later": _kind(
            "fails when it would be ready, or after `seconds`", _SUBMIT,
            status="FAILURE", message=_MESSAGE, seconds=None, **_FAILURE,
        ),
        "never_finish": _kind("stays PROCESSING for ever", _SUBMIT),
        "turn_null": _kind(
            "the record is forgotten when it would be ready, or after `seconds`", _API,
            seconds=None,
        ),
        "unknown_status": _kind("an unknown status in place of PROCESSING", _API, word="RENDERING"),
        "no_team_user": _kind("a record without the account's figures", _API),
        "early_success": _kind("SUCCESS at once", _SUBMIT),
        "same_uuid": _kind("the answer has the uuid of the account's previous record", _SUBMIT),
        # The download
        "link_gone": _kind("403 (expired) or 404 (deleted)", _FILE, status=403),
        "download_truncated": _kind(
            "half of the file; `declared` is the full or the short length", _FILE, declared="full"
        ),
        "download_endless": _kind("no length; zeros follow the file", _FILE, max_bytes=4 << 30),
        "download_not_mp4": _kind("200 video/mp4 with an HTML page", _FILE),
        "download_empty": _kind("200 video/mp4 with an empty body", _FILE),
        "download_mismatch": _kind("a video of another aspect ratio and duration", _FILE),
        "download_redirect": _kind(
            "a redirect to `location`", _FILE,
            status=302, location="http://127.0.0.1:9/elsewhere.mp4",
        ),
        "download_reset_midway": _kind("reset after half of the file", _FILE),
        "download_slow": _kind("the file arrives slowly, over `seconds`", _FILE, seconds=5.0),
    }
)  # fmt: skip

_CHOICES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "form": ("envelope", "record"),
        "shape": ("object", "array", "string"),
        "declared": ("full", "short"),
    }
)
_MARK = re.compile(r"\[sim:([a-z0-9_]+)\]")


@dataclass(frozen=True, slots=True)
class Fault:
    """`options` has every option; defaults are filled in."""

    name: str
    options: Mapping[str, Any]

    def __getitem__(self, option: str) -> Any:
        return self.options[option]


def parse(body: Any) -> Fault:
    if not isinstance(body, dict) or body.get("name") not in FAULTS:
        raise InvalidFault(f"fault.name must be one of {', '.join(FAULTS)}")
    kind = FAULTS[body["name"]]
    given = {name: value for name, value in body.items() if name != "name"}
    unknown = sorted(set(given) - set(kind.options))
    if unknown:
        allowed = ", ".join(kind.options) or "none"
        raise InvalidFault(f"unknown options {', '.join(unknown)}; allowed: {allowed}")
    for name, value in given.items():
        _check(name, value, kind.options[name])
    return Fault(body["name"], {**kind.options, **given})


def _check(name: str, value: Any, default: Any) -> None:
    if name in _CHOICES and value not in _CHOICES[name]:
        raise InvalidFault(f"{name} must be one of {', '.join(_CHOICES[name])}")
    wanted: tuple[type, ...] | None = None
    if isinstance(default, bool):
        wanted = (bool,)
    elif isinstance(default, int | float) or name in ("seconds", "retry_after"):
        wanted = (int, float) if default is not None else (int, float, type(None))
    elif isinstance(default, str):
        wanted = (str,)
    if wanted is not None and (
        not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)
    ):
        raise InvalidFault(
            f"{name} must be of type {' or '.join(each.__name__ for each in wanted)}"
        )


def in_prompt(prompt: str | None, path: str) -> Fault | None:
    """The fault that a prompt asks for, if this is its default path."""
    for name in _MARK.findall(prompt or ""):
        if name in FAULTS and FAULTS[name].paths[0] == path:
            return Fault(name, FAULTS[name].options)
    return None
