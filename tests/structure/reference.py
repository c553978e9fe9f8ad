"""Writes docs/reference.md, docs/openapi.json and .env.example from the code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from typer.main import get_command

from app.cli.commands import cli
from app.dialects.luma import wire as dream_machine
from app.dialects.luma_agents import wire as agents
from app.dialects.onemin import wire as onemin
from app.dialects.openai import wire as openai
from app.dialects.openrouter import wire as openrouter
from app.domain.generation import ARROWS, FailureCode, State
from app.errors import GatewayError, Internal, InvalidRequest, Issue
from app.openapi import document as openapi
from app.settings import GROUPS, Settings, environment_name, file_setting
from app.telemetry import Metrics
from tests.structure.sources import ROOT

REFERENCE = Path("docs/reference.md")
ENVIRONMENT = Path(".env.example")
OPENAPI = Path("docs/openapi.json")
_Enumeration = TypeVar("_Enumeration", bound=StrEnum)

_HEAD = """\
# Reference

All settings, commands, errors, metrics and states. `make docs` generates this page from the code,
and a test fails if they differ: change the code, not this page.
"""


#: What docker-compose.yml reads from the same file.
_OF_COMPOSE = """\

# --- Of docker-compose.yml alone; docs/containers.md ---

# Password of its PostgreSQL, of any characters, in single quotes. It has no default.
#POSTGRES_PASSWORD=

# Where this machine publishes the API, or the proxy.
#REELGATE_PUBLISH=127.0.0.1:8080

# Tag of the image that is built and run.
#REELGATE_VERSION=latest
"""


def environment() -> str:
    """.env.example: every setting with its description, commented out at its default."""
    lines = [
        "# Copy to .env and set what you need. Everything has a default. Environment variables",
        "# override this file. Generated from app/settings by `make docs`.",
    ]
    for section, names in sections():
        lines += ["", f"# --- {section} ---"]
        for name in names:
            lines += ["", *_wrapped(_described(name).replace("`", ""), "# ")]
            lines.append(f"#{environment_name(name)}={_plain(_default(name))}")
    return "\n".join(lines) + "\n" + _OF_COMPOSE


def reference() -> str:
    parts = [
        _HEAD,
        "## Settings\n\nFrom environment variables, then from `.env` in the working directory.\n",
        *_settings(),
        "## Commands\n",
        *_commands(),
        "## Errors\n\nThe REST API answers `application/problem+json` (RFC 9457) with "
        "`code`, `billed`, `retry_safe` and\n`request_id`. The 1min.ai dialect answers "
        "`{errorCode, message, details?, context?, billed, retry_safe, requestId}`,\nthe OpenAI "
        "dialect `{error: {message, type, param, code, billed, retry_safe, request_id, "
        "details?}}`,\nthe Luma dialects `{detail, code, billed, retry_safe, request_id, errors?}` "
        "with the code of the first column,\nthe OpenRouter dialect `{error: {code, message, "
        "metadata: {code, billed, retry_safe, request_id, errors?}}}` with\nthe status and, in "
        "`metadata`, the code of the first column.\n"
        "`retry_safe`: sending the same request again cannot pay for a second video. "
        "`billed`: this request put\ncredits on hold or spent them; null if nobody can know yet. "
        "An error about an accepted request names the\ngeneration in `generation_id` (`uuid` "
        "in the `context` of the 1min.ai dialect), with `billed` true or null\nand `retry_safe` "
        "false.\n",
        _errors(),
        "## Failure codes\n\nWhy a generation failed, was canceled or is unknown.\n",
        _table(["code", "meaning"], [[f"`{c}`", said] for c, said in prose(FailureCode).items()]),
        "## States\n\nEvery transition writes a row to `events`, in its transaction. The last "
        "column is its type.\n",
        _states(),
        "## Metrics\n\n`GET /metrics` of the API on `REELGATE_OPERATIONS_PORT` (in development on "
        "its own, unless that is set), and of `reelgate worker` on "
        "`REELGATE_WORKER_METRICS_PORT`. On Linux, `process_*` (memory, processor time, open "
        "files, start) and `python_info` come with them.\n",
        _metrics(),
    ]
    return "\n".join(parts)


def sections() -> list[tuple[str, list[str]]]:
    """The settings under the headings of their groups."""
    return [(inspect.getdoc(group) or "", list(group.model_fields)) for group in GROUPS]


def _settings() -> Iterator[str]:
    for section, names in sections():
        yield f"### {section}\n"
        yield _table(
            ["setting", "default", "meaning"],
            [
                [f"`{environment_name(name)}`", _code(_plain(_default(name))), _described(name)]
                for name in names
            ],
        )  # fmt: skip


def _described(name: str) -> str:
    described = Settings.model_fields[name].description or ""
    file = file_setting(name)
    return f"{described} `{file}` names a file that holds it." if file else described


def _default(name: str) -> Any:
    default = Settings.model_fields[name].default
    assert default is not PydanticUndefined, f"{name} needs a default"
    return default


def _plain(value: Any) -> str:
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def commands() -> Iterator[tuple[str, Any]]:
    """(name, command) of every command, such as `reelgate team create`."""
    yield from _below(get_command(cli), "reelgate")


def _below(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word, below in inner.items():
        yield from _below(below, f"{name} {word}")


def _commands() -> Iterator[str]:
    for name, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join([name, *(str(p.name).upper() for p in arguments)])
        yield f"### `{usage}`\n\n{command.help}\n"
        if command.params:
            yield _table(["", "default", "meaning"], [_parameter(p) for p in command.params])


def _parameter(parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        return [f"`{str(parameter.name).upper()}`", "required", parameter.help or ""]
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    default = "required" if parameter.required else _code(_plain(parameter.default))
    return [names, default, parameter.help or ""]


def error_family() -> list[type[GatewayError]]:
    """Every error class with a code of its own."""

    def below(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
        yield kind
        for child in kind.__subclasses__():
            # Tests also define subclasses; leave those out.
            if child.__module__ == GatewayError.__module__:
                yield from below(child)

    named = [k for k in below(GatewayError) if "code" in vars(k) and k is not GatewayError]
    return [*named, Internal]


def _errors() -> str:
    rows = []
    for kind in sorted(error_family(), key=lambda kind: (kind.status, kind.code)):
        native = ", ".join(f"{status} `{code}`" for status, code in _native(kind))
        sdk = ", ".join(f"{status} `{code}`" for status, code in _openai(kind))
        luma = str(dream_machine.render_error(kind(), "")[0])
        # Both answer what is invalid with 400, and all else with its own status.
        assert luma == str(openrouter.render_error(kind(), "")[0])
        flags = ("yes" if flag else "no" for flag in (kind.billed, kind.retry_safe))
        said = " ".join([f"{kind.title}.", *(vars(kind).get("__doc__") or "").split()])
        rows.append([f"`{kind.code}`", str(kind.status), native, sdk, luma, *flags, said])
    head = ["code", "status", "1min.ai dialect", "OpenAI dialect", "Luma and OpenRouter dialects",
            "`billed`", "`retry_safe`", "meaning"]  # fmt: skip
    return _table(head, rows)


def _native(kind: type[GatewayError]) -> list[tuple[int, str]]:
    """Status and errorCode in the 1min.ai dialect. For an invalid request they depend on the
    issue."""
    examples = [kind()]
    if kind is InvalidRequest:
        fields = (("model", "missing"), ("promptObject.duration", "value"), ("async", "type"))
        examples = [kind(issues=[Issue(field, code, "")]) for field, code in fields]
    rendered = [onemin.render_error(error, "") for error in examples]
    return sorted({(status, str(body["errorCode"])) for status, body in rendered})


def _openai(kind: type[GatewayError]) -> list[tuple[int, str]]:
    """Status and `code` in the OpenAI dialect. For an invalid request the code depends on the
    field."""
    examples = [kind()]
    if kind is InvalidRequest:
        fields = (("prompt", "missing"), ("loop", "type"), ("resolution", "value"),
                  ("size", "value"), ("seconds", "value"), ("n", "unknown"))  # fmt: skip
        examples = [kind(issues=[Issue(field, code, "")]) for field, code in fields]
    rendered = [openai.render_error(error, "") for error in examples]
    return [(status, str(body["error"]["code"])) for status, body in rendered]


def prose(kind: type[_Enumeration]) -> dict[_Enumeration, str]:
    """The comment above each member of an enumeration."""
    found: dict[_Enumeration, str] = {}
    said: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        if comment := re.fullmatch(r" {4}#: (.+)", line):
            said.append(comment[1])
        elif member := re.fullmatch(r' {4}(\w+) = "\w+"', line):
            found[kind[member[1]]], said = " ".join(said), []
    return found


def _states() -> str:
    meanings = prose(State)
    return _table(
        ["state", "leaves to", "1min.ai dialect", "OpenAI dialect", "Dream Machine", "Luma Agents",
         "OpenRouter", "meaning", "event"],
        [
            [f"`{state}`", ", ".join(f"`{t}`" for t in State if t in ARROWS[state]) or "–",
             f"`{onemin.STATUS[state]}`", f"`{openai.STATUS[state]}`",
             f"`{dream_machine.STATES[state]}`", f"`{agents.STATES[state]}`",
             f"`{openrouter.STATUS[state]}`", meanings[state], f"`generation.{state}`"]
            for state in State
        ],
    )  # fmt: skip


def metrics() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """(name as scraped, type, labels, help)."""
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            family = next(iter(metric.describe()))
            name = f"{family.name}_total" if isinstance(metric, Counter) else family.name
            yield name, family.type, tuple(metric._labelnames), family.documentation


def _metrics() -> str:
    return _table(
        ["metric", "type", "labels", "meaning"],
        [
            [f"`{name}`", kind, ", ".join(f"`{label}`" for label in labels), said]
            for name, kind, labels, said in metrics()
        ],
    )


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = (cell.replace("|", "\\|").replace("\n", " ").strip() for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _wrapped(text: str, prefix: str, width: int = 98) -> Iterator[str]:
    line = prefix
    for word in text.split():
        if len(line) + len(word) > width and line != prefix:
            yield line.rstrip()
            line = prefix
        line += f"{word} "
    yield line.rstrip()


if __name__ == "__main__":
    (ROOT / ENVIRONMENT).write_text(environment())
    (ROOT / REFERENCE).parent.mkdir(exist_ok=True)
    (ROOT / REFERENCE).write_text(reference())
    (ROOT / OPENAPI).write_text(openapi.written())
