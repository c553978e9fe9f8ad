"""Writes docs/models/: a page for each family of models, from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page

FOLDER = Path("docs/models")


def pages() -> dict[Path, str]:
    """Path → text, for every family: all pages of one provider."""
    providers: dict[str, list[Page]] = {}
    for model in BUILT_IN.models.values():
        found = providers.setdefault(_name(model.provider), [])
        if model.page not in found:
            found.append(model.page)
    return {FOLDER / f"{name}.md": _family(found) for name, found in providers.items()}


def _name(provider: str) -> str:
    return (
        provider.rpartition("/")[2]
        .partition(":")[0]
        .removesuffix("-text-to-video")
        .removesuffix("-video")
    )


def _family(pages_: list[Page]) -> str:
    parts = [f"# {pages_[0].title.partition(',')[0]}\n"]
    for page in pages_:
        parts.append(_page(page))
    return "\n".join(parts)


def _page(page: Page) -> str:
    models = [model for model in BUILT_IN.models.values() if model.page == page]
    lines = [
        f"## {page.title}\n",
        f"In the 1min.ai dialect `type` is `{page.feature}` and `model` is `{page.provider}`.\n",
    ]
    if page.doubt is not None:
        lines.append(f"Not known: {page.doubt}\n")
    lines += [
        _table(["field", "in promptObject", "required", "values", ""], map(_field, page.fields)),
        _table(["model", "", "source", "as of"], map(_model, models)),
    ]
    if page.rules:
        lines.append("Rules:\n")
        lines += [
            f"- {', '.join(_condition(name, wrong) for name, wrong in rule.when.items())}: "
            f"`{rule.field}` {rule.reason} ({rule.source}{', flagged' if rule.flagged else ''})."
            for rule in page.rules
        ]
        lines.append("")
    return "\n".join(lines)


def _field(field: Field) -> list[str]:
    if field.kind is Kind.CHOICE:
        values = ", ".join(f"`{word}`" for word in field.choices)
        if field.sent:
            values += f" (sent as {', '.join(f'`{sent}`' for sent in field.sent)})"
    elif field.kind is Kind.TEXT:
        values = "text" if field.most is None else f"text of at most {field.most:g} characters"
    else:
        values = {"flag": "true or false", "asset": "an uploaded image"}.get(field.kind, field.kind)
        if field.least is not None and field.most is not None:
            values += f" from {field.least:g} to {field.most:g}"
    name = f"`{field.name}`"
    return [name, f"`{field.wire}`", "yes" if field.required else "", values, field.help]


def _model(model: Model) -> list[str]:
    fixed = ", ".join(f"`{name}` is `{value}`" for name, value in model.fixed.items())
    off = "" if model.enabled else f"Off: {model.reason}"
    return [f"`{model.id}`", ". ".join(filter(None, (fixed, off))), model.source, str(model.as_of)]


def _condition(name: str, wrong: Iterable[object]) -> str:
    said = " or ".join("left out" if each is None else f"`{each}`" for each in wrong)
    return f"`{name}` {said}"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
