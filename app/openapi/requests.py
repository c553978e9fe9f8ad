"""The schemas of create requests, made from the catalog."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from app.api import wire as rest
from app.domain.catalog import MAX_END_USER_CHARS, MAX_PROMPT_CHARS, OFFERS, Option
from app.domain.metadata import MAX_KEY_CHARS, MAX_TAGS, MAX_VALUE_CHARS

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


def schemas() -> dict[str, Any]:
    """Components: the unions that routes refer to, their members, and the enumerations in them. A
    union of one is replaced by a reference, because generators make wrong code of it."""
    found: dict[str, Any] = {
        kind.__name__: {"type": "string", "enum": [member.value for member in kind]}
        for offer in OFFERS.values()
        for kind in offer.enumerations
    }
    own: dict[str, str] = {}
    for feature, (_, named) in rest.FEATURES.items():
        name = f"{_camel(feature)}Request"
        own[feature] = name
        found[name] = _object(
            {"feature": _only(feature), **_options(named.options), "callback_url": _CALLBACK,
             "user": _USER, "metadata": _METADATA},
            required=["feature", *_required(named.options)],
        )  # fmt: skip
    native: dict[str, str] = {}
    for (feature, provider), offer in OFFERS.items():
        prompt = f"{_camel(feature)}PromptObject"
        found[prompt] = _object(_options(offer.options), required=_required(offer.options))
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


def _object(properties: dict[str, Any], *, required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _only(value: str) -> dict[str, Any]:
    return {"type": "string", "enum": [value]}


def _options(options: tuple[Option, ...]) -> dict[str, Any]:
    return {option.wire: _option(option) for option in options}


def _required(options: tuple[Option, ...]) -> list[str]:
    return [option.wire for option in options if option.required]


def _option(option: Option) -> dict[str, Any]:
    said = {"description": option.help}
    if issubclass(option.kind, StrEnum):
        return {"$ref": f"#/components/schemas/{option.kind.__name__}", **said}
    if option.kind is bool:
        return {"type": "boolean", **said}
    return {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT_CHARS, "pattern": _KEPT,
            **said}  # fmt: skip


def _camel(feature: str) -> str:
    return "".join(word.capitalize() for word in feature.split("_"))
