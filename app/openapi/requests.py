"""The schemas of create requests, made from the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from app.domain.catalog.catalog import Catalog
from app.domain.catalog.pages import Field, Kind
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
    "TextToVideoRequest": {
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
    "TextToVideoFeature": {
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
#: Fields with a name for their choices in generated clients.
_ENUMERATIONS = {
    "model": "VideoModel",
    "version": "VideoModel",
    "duration": "Duration",
    "aspect_ratio": "AspectRatio",
    "resolution": "Resolution",
}


def schemas(catalog: Catalog) -> dict[str, Any]:
    """Components: the unions that routes refer to, their members, and the enumerations in them. A
    union of one is replaced by a reference, because generators make wrong code of it."""
    found: dict[str, Any] = {}
    own: dict[str, str] = {}
    native: dict[str, str] = {}
    for (feature, provider), page in catalog.pages.items():
        models = list(page.models.values())
        found["VideoModel"] = _enumeration(model.id for model in models)
        for field in page.page.fields:
            if field.name in _ENUMERATIONS and field.name not in page.chosen_by:
                found[_ENUMERATIONS[field.name]] = _enumeration(field.choices)
        name = f"{_camel(feature)}Request"
        own[feature] = name
        fields = models[0].fields
        found[name] = _object(
            {
                "feature": _only(feature),
                "prompt": _field(fields[0], native=False),
                "model": {"$ref": "#/components/schemas/VideoModel",
                          "description": "The model that makes the video."},
                **{field.name: _field(field, native=False) for field in fields[1:]},
                "callback_url": _CALLBACK,
                "user": _USER,
                "metadata": _METADATA,
            },
            required=["feature", "prompt", "model",
                      *(field.name for field in fields[1:] if field.required)],
        )  # fmt: skip
        prompt = f"{_camel(feature)}PromptObject"
        found[prompt] = _object(
            {field.wire: _field(field, native=True) for field in page.page.fields},
            required=[field.wire for field in page.page.fields if field.required],
        )
        name = f"{_camel(feature)}Feature"
        native[feature] = name
        found[name] = _object(
            {
                "type": _only(feature),
                "model": _only(provider),
                "promptObject": {"$ref": f"#/components/schemas/{prompt}"},
                "async": {
                    "type": "boolean",
                    "description": "True: return at once instead of waiting for the video.",
                },
                "user": _USER,
                "metadata": _METADATA,
            },
            required=["type", "model", "promptObject"],
        )
    found |= _UPLOADS
    found["GenerationRequest"] = union("feature", own)
    found["FeatureRequest"] = union("type", native)
    return found


def union(field: str, members: dict[str, str]) -> dict[str, Any]:
    """A union of these schemas, with `field` as its discriminator: value → name."""
    pointers = {value: f"#/components/schemas/{name}" for value, name in members.items()}
    if len(pointers) == 1:
        return {"$ref": next(iter(pointers.values()))}
    return {
        "oneOf": [{"$ref": pointer} for pointer in pointers.values()],
        "discriminator": {"propertyName": field, "mapping": pointers},
    }


def _enumeration(words: Iterable[str]) -> dict[str, Any]:
    """With names for generated clients, since names cannot begin with a digit."""
    listed = list(words)
    return {
        "type": "string", "enum": listed, "x-enum-varnames": [_constant(word) for word in listed],
    }  # fmt: skip


def _constant(word: str) -> str:
    """`FIVE_SECONDS` of `5s`, `P720` of `720p`, `RATIO_16_9` of `16:9`, `RAY_V3` of `ray-v3`."""
    seconds, lines = seconds_of(word), lines_of(word)
    if seconds is not None:
        return f"{_NUMBERS[seconds]}_SECONDS" if seconds < len(_NUMBERS) else f"SECONDS_{seconds}"
    if lines is not None:
        return f"P{lines}"
    name = re.sub(r"[^A-Z0-9]+", "_", word.upper()).strip("_")
    return f"RATIO_{name}" if ratio_of(word) is not None else name


def _object(properties: dict[str, Any], *, required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _only(value: str) -> dict[str, Any]:
    return {"type": "string", "enum": [value]}


def _field(field: Field, *, native: bool) -> dict[str, Any]:
    said = {"description": field.help}
    if field.name in _ENUMERATIONS:
        return {"$ref": f"#/components/schemas/{_ENUMERATIONS[field.name]}", **said}
    if field.kind is Kind.CHOICE:
        return {"enum": field.allowed_on_wire if native else field.allowed, **said}
    if field.kind is Kind.FLAG:
        return {"type": "boolean", **said}
    return {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT_CHARS, "pattern": _KEPT,
            **said}  # fmt: skip


def _camel(feature: str) -> str:
    return "".join(word.capitalize() for word in feature.split("_"))
