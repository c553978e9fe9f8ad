"""The schemas of create requests, made from the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from app.domain.catalog.catalog import Catalog, EnabledPage
from app.domain.catalog.pages import MAX_ASSET_CHARS, Field, Kind, Page
from app.domain.catalog.spec import lines_of, ratio_of, seconds_of
from app.domain.metadata import MAX_KEY_CHARS, MAX_TAGS, MAX_VALUE_CHARS
from app.domain.text import MAX_END_USER_CHARS, MAX_PROMPT_CHARS

_CALLBACK = {
    "type": "string",
    "format": "uri",
    "minLength": 1,
    "maxLength": 2048,
    "description": "A public https address that receives a webhook when the generation has ended.",
}
#: At least one character that is not white space, and none that a database cannot store.
_KEPT = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
_USER = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_END_USER_CHARS,
    "pattern": _KEPT,
    "description": "Your own word for whom this is. Kept with the generation, never sent upstream.",
}
_METADATA = {
    "type": "object",
    "maxProperties": MAX_TAGS,
    "additionalProperties": {"type": "string", "maxLength": MAX_VALUE_CHARS},
    "description": f"Your own tags, such as a cost centre: at most {MAX_TAGS}, with keys of 1 to "
    f"{MAX_KEY_CHARS} characters. Kept with the generation, never sent upstream.",
}

_FILE = {"type": "string", "format": "binary", "description": "A PNG, JPEG or WebP."}
#: What uploads an image.
_UPLOADS: dict[str, Any] = {
    name: {
        "type": "object", "properties": {field: schema}, "required": [field],
        "additionalProperties": False,
    }
    for name, field, schema in (
        ("AssetForm", "asset", _FILE),
        ("InputUpload", "file", _FILE),
        ("InputFromUrl", "url", {
            "type": "string", "minLength": 1, "pattern": _KEPT,
            "description": "A public https address, or `data:image/png;base64,…` with the image "
            "itself.",
        }),
    )
}  # fmt: skip

EXAMPLES: dict[str, dict[str, Any]] = {
    "GenerationRequest": {
        "least": {
            "feature": "TEXT_TO_VIDEO",
            "prompt": "a majestic lion walking through golden savanna at sunset",
            "model": "ray-v3",
            "duration": "5s",
        },
        "everything": {
            "feature": "TEXT_TO_VIDEO",
            "prompt": "waves on a black beach, seen from above",
            "model": "ray-v2-flash",
            "duration": "10s",
            "aspect_ratio": "9:16",
            "resolution": "1080p",
            "loop": True,
            "callback_url": "https://studio.example.com/hooks",
            "user": "customer-7",
            "metadata": {"cost_centre": "4711"},
        },
    },
    "FeatureRequest": {
        "least": {
            "type": "TEXT_TO_VIDEO",
            "model": "luma",
            "promptObject": {
                "prompt": "a majestic lion walking through golden savanna at sunset",
                "modelName": "ray-v3",
                "duration": "5s",
            },
        },
        "everything": {
            "type": "TEXT_TO_VIDEO",
            "model": "luma",
            "promptObject": {
                "prompt": "waves on a black beach, seen from above",
                "modelName": "ray-v2-flash",
                "duration": "10s",
                "aspectRatio": "9:16",
                "resolution": "1080p",
                "loop": True,
            },
            "async": True,
            "user": "customer-7",
            "metadata": {"cost_centre": "4711"},
        },
    },
}


_NUMBERS = (
    "NO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN",
    "TWELVE",
)  # fmt: skip


def schemas(catalog: Catalog) -> dict[str, Any]:
    """Components: the unions that routes refer to, their members, and the enumerations in them. A
    union of one is replaced by a reference, because generators make wrong code of it."""
    found: dict[str, Any] = {}
    own: dict[str, str] = {}
    native: list[dict[str, Any]] = []
    for (feature, provider), page in catalog.pages.items():
        family = family_of(feature, provider)
        models = list(page.models.values())
        found[f"{family}Model"] = _enumeration(model.id for model in models)
        for field in page.page.fields:
            for native_ in (False, True):
                if field.kind is Kind.CHOICE and (native_ or field.name not in page.chosen_by):
                    allowed = (field.allowed_on_wire if native_ else field.allowed) or []
                    found[_enumeration_name(family, field, native=native_)] = _enumeration(allowed)
        own |= {model.id: f"{family}Request" for model in models}
        found[f"{family}Request"] = _own_request(family, page)
        found[f"{family}PromptObject"] = _object(
            {field.wire: _field(field, family, native=True) for field in page.page.fields},
            required=[field.wire for field in page.page.fields if field.required],
        )
        native.append({"$ref": f"#/components/schemas/{family}Feature"})
        found[f"{family}Feature"] = _feature(family, page.page)
    found["GenerationRequest"] = union("model", own)
    # Flat, since a generator writes clients of nested unions that do not compile.
    found["FeatureRequest"] = {"oneOf": native}
    found |= _UPLOADS
    return found


def family_of(feature: str, provider: str) -> str:
    """How generated clients name a page: `Luma`, and `LumaImage` for images."""
    name = "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", provider) if part)
    return name if feature == "TEXT_TO_VIDEO" else f"{name}{_camel(feature.split('_')[0])}"


def _own_request(family: str, page: EnabledPage) -> dict[str, Any]:
    """Of all models of a page: what only some of them need is not required."""
    own = [field for field in page.page.fields if field.name not in page.chosen_by]
    fields = {field.name: _field(field, family, native=False) for field in own}
    head = {"feature": _only(page.page.feature)}
    if "prompt" in fields:
        head["prompt"] = fields.pop("prompt")
    return _object(
        {
            **head,
            "model": {"$ref": f"#/components/schemas/{family}Model",
                      "description": "The model that makes the video."},
            **fields,
            "callback_url": _CALLBACK,
            "user": _USER,
            "metadata": _METADATA,
        },
        required=["feature", "model", *(field.name for field in own if field.required)],
    )  # fmt: skip


def _feature(family: str, page: Page) -> dict[str, Any]:
    conversation = {"conversationId": _only(page.feature)} if page.conversation else {}
    return _object(
        {
            "type": _only(page.feature),
            "model": _only(page.provider),
            "promptObject": {"$ref": f"#/components/schemas/{family}PromptObject"},
            **conversation,
            "async": {
                "type": "boolean",
                "description": "True: return at once instead of waiting for the video.",
            },
            "user": _USER,
            "metadata": _METADATA,
        },
        required=["type", "model", "promptObject"],
    )


def union(field: str, members: dict[str, str]) -> dict[str, Any]:
    """A union of these schemas, told apart by `field`: value → name. It is a discriminator only if
    each has one value: of several, a generator lets clients send the last one alone."""
    pointers = {value: f"#/components/schemas/{name}" for value, name in members.items()}
    distinct = list(dict.fromkeys(pointers.values()))
    if len(distinct) == 1:
        return {"$ref": distinct[0]}
    refs = [{"$ref": pointer} for pointer in distinct]
    if len(distinct) < len(pointers):
        return {"oneOf": refs}
    return {
        "oneOf": refs,
        "discriminator": {"propertyName": field, "mapping": pointers},
    }


def _enumeration_name(family: str, field: Field, *, native: bool) -> str:
    """The native one is another only where the upstream has other words."""
    name = f"{family}{_camel(field.name)}"
    return f"{name}Value" if native and field.sent else name


def _enumeration(words: Iterable[str | int]) -> dict[str, Any]:
    """With names for generated clients, since names cannot begin with a digit."""
    listed = list(words)
    return {
        "type": "integer" if isinstance(listed[0], int) else "string",
        "enum": listed,
        "x-enum-varnames": [_constant(word) for word in listed],
    }


def _constant(word: str | int) -> str:
    """`FIVE_SECONDS` of `5s`, `P720` of `720p`, `RATIO_16_9` of `16:9`, `RAY_V3` of `ray-v3`."""
    if isinstance(word, int):
        return f"VALUE_{word}"
    seconds, lines = seconds_of(word), lines_of(word)
    if seconds is not None:
        return f"{_NUMBERS[seconds]}_SECONDS" if seconds < len(_NUMBERS) else f"SECONDS_{seconds}"
    if lines is not None:
        return f"P{lines}"
    name = re.sub(r"[^A-Z0-9]+", "_", word.upper()).strip("_")
    if ratio_of(word) is not None:
        return f"RATIO_{name}"
    return f"V{name}" if name[0].isdigit() else name


def _object(properties: dict[str, Any], *, required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _only(value: str) -> dict[str, Any]:
    return {"type": "string", "enum": [value]}


def _field(field: Field, family: str, *, native: bool) -> dict[str, Any]:
    said = {"description": field.help}
    if field.kind is Kind.CHOICE:
        name = _enumeration_name(family, field, native=native)
        return {"$ref": f"#/components/schemas/{name}", **said}
    if field.kind is Kind.FLAG:
        return {"type": "boolean", **said}
    if field.kind in (Kind.INTEGER, Kind.NUMBER):
        bounds = {"minimum": field.least, "maximum": field.most}
        return {"type": field.kind.value, **said,
                **{name: bound for name, bound in bounds.items() if bound is not None}}  # fmt: skip
    if field.kind is Kind.ASSETS:
        return {"type": "array", "items": _ASSET, "minItems": field.least or 1,
                "maxItems": field.most or 1, **said}  # fmt: skip
    if field.kind is Kind.ASSET:
        return {**_ASSET, **said}
    most = MAX_PROMPT_CHARS if field.most is None else int(field.most)
    return {"type": "string", "minLength": 1, "maxLength": most, "pattern": _KEPT, **said}


#: The id of an input, the path that the 1min.ai API answers, or a URL.
_ASSET = {"type": "string", "minLength": 1, "maxLength": MAX_ASSET_CHARS, "pattern": _KEPT}


def _camel(feature: str) -> str:
    return "".join(word.capitalize() for word in feature.split("_"))
