"""A family that nobody has heard of, in one file, from a native request to the archive."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from app.upstream.answers import Failed
from app.upstream.errors import words_of_options
from app.upstream.wire import explained, read_submission
from tests.harness.gateway import gateway

FAMILY = """
[[page]]
feature = "TEXT_TO_VIDEO"
provider = "acme/films"
title = "Acme, text to video"

[[page.field]]
name = "prompt"
wire = "text"
kind = "text"
required = true

[[page.field]]
name = "version"
wire = "kind"
kind = "choice"
choices = ["small", "large"]
required = true

[[page.field]]
name = "duration"
wire = "secs"
kind = "choice"
choices = ["3s", "7s"]
sent = [3, 7]
required = true

[[page.field]]
name = "aspect_ratio"
wire = "shape"
kind = "choice"
choices = ["1:1", "2:1"]

[[page.field]]
name = "grain"
wire = "grain"
kind = "integer"
least = 0
most = 9

[[page.rule]]
when = { version = ["small"], duration = ["7s"] }
field = "duration"
reason = "must be 3s for the small one"

[[page.rule]]
when = { grain = [9] }
field = "grain"
reason = "is coarse — perhaps"
flagged = true

[[model]]
id = "acme-small"
feature = "TEXT_TO_VIDEO"
provider = "acme/films"
fixed = { version = "small" }
as_of = 2026-11-01
retires_on = 2027-01-31

[[model]]
id = "acme-large"
feature = "TEXT_TO_VIDEO"
provider = "acme/films"
fixed = { version = "large" }
"""
PRICES = """
[[price]]
feature = "TEXT_TO_VIDEO"
provider = "acme/films"
grain = 9
credits = 50
as_of = 2026-01-01
source = "test"

[[price]]
feature = "TEXT_TO_VIDEO"
provider = "acme/films"
credits = 10
per = "second"
as_of = 2026-01-01
source = "test"
"""


async def test_a_family_in_one_file_is_served_everywhere(database_url: str, tmp_path: Path) -> None:
    models, prices = tmp_path / "models.toml", tmp_path / "prices.toml"
    models.write_text(FAMILY)
    prices.write_text(PRICES)
    async with gateway(
        database_url, tmp_path, catalog_file=models, prices_file=prices,
        model_aliases=("film=acme-large",),
    ) as gate:  # fmt: skip
        headers = {"API-KEY": await gate.member()}

        # 1min.ai's own request.
        body = {
            "type": "TEXT_TO_VIDEO", "model": "acme/films", "async": True,
            "promptObject": {"text": "a wave", "kind": "large", "secs": 7, "grain": 9},
        }  # fmt: skip
        made = await gate.http.post("/api/features", json=body, headers=headers)
        assert made.status_code == 200, made.text
        assert made.headers["Reelgate-Warning"] == "grain: is coarse ? perhaps"
        assert "Sunset" not in made.headers
        record = made.json()["aiRecord"]
        assert record["aiRecordDetail"]["promptObject"] == body["promptObject"]
        generation = await gate.archived(record["uuid"])
        assert (generation.quote, generation.spec.kind) == (50, "acme-large 7s")
        assert generation.asset is not None
        assert generation.asset.mismatch is None
        assert generation.asset.path is not None
        kept = (gate.rt.settings.data_dir / "archive" / generation.asset.path).read_bytes()
        assert hashlib.sha256(kept).hexdigest() == generation.asset.sha256

        # What the page does not have is refused in its own words.
        body["promptObject"] = {"text": "a wave", "kind": "small", "secs": 7}
        refused = await gate.http.post("/api/features", json=body, headers=headers)
        (issue,) = refused.json()["details"]
        assert issue["field"] == "promptObject.secs"
        assert issue["message"] == "must be 3s for the small one (learned)"
        body["promptObject"] = {"text": "a wave", "kind": "huge", "secs": 4, "grain": 10}
        refused = await gate.http.post("/api/features", json=body, headers=headers)
        allowed = {each["field"]: each.get("allowed") for each in refused.json()["details"]}
        assert allowed == {
            "promptObject.kind": ["small", "large"], "promptObject.secs": [3, 7],
            "promptObject.grain": None,
        }  # fmt: skip

        # The own REST, and its document.
        wanted = {"feature": "TEXT_TO_VIDEO", "model": "acme-small", "prompt": "a hill",
                  "duration": "3s", "aspect_ratio": "2:1", "grain": 0}  # fmt: skip
        made = await gate.http.post("/api/v1/generations", json=wanted, headers=headers)
        assert made.status_code == 202, made.text
        assert made.json()["quote_credits"] == 30
        assert made.headers["Deprecation"] == "@1793491200"
        assert made.headers["Sunset"] == "Sun, 31 Jan 2027 00:00:00 GMT"
        assert made.json()["spec"]["grain"] == 0
        served = await gate.http.get("/api/v1/openapi.json")
        described = served.json()["components"]["schemas"]
        assert described["AcmeFilmsModel"]["enum"] == ["acme-small", "acme-large"]
        assert described["AcmeFilmsRequest"]["properties"]["grain"]["maximum"] == 9
        union = described["GenerationRequest"]["oneOf"]
        assert {"$ref": "#/components/schemas/AcmeFilmsRequest"} in union

        # The list of models, which a form can be made of.
        listed = (await gate.http.get("/api/v1/models", headers=headers)).json()["data"]
        (small,) = [each for each in listed if each["id"] == "acme-small"]
        assert [price["credits"] for price in small["prices"]] == [30]
        assert [(rule["field"], rule["when"]) for rule in small["rules"]] == [
            ("duration", {"duration": ["7s"]}), ("grain", {"grain": [9]}),
        ]  # fmt: skip
        assert small["native_fixed"] == {"kind": "small"}
        native = [(each["native_name"], each["native_allowed"]) for each in small["options"]]
        assert native == [
            ("text", None), ("secs", [3, 7]), ("shape", ["1:1", "2:1"]), ("grain", None),
        ]  # fmt: skip
        assert small["retires_on"] == "2027-01-31"
        ends = gate.rt.metrics.registry.get_sample_value(
            "reelgate_model_retires_timestamp_seconds", {"model": "acme-small"}
        )
        assert ends == datetime(2027, 1, 31, tzinfo=UTC).timestamp()

        # What differs of a refusal of the upstream is said in words.
        refused_by = {"errorCode": "PROMPT_OBJECT_VALIDATION_FAILED", "message": "no",
                      "details": [{"field": "promptObject.secs"}, {"field": "promptObject.kind"},
                                  {"field": "promptObject.team-1"}]}  # fmt: skip
        answer = read_submission(422, {}, json.dumps(refused_by).encode())
        words = explained(answer, words_of_options(gate.rt.catalog))
        assert isinstance(words, Failed)
        assert words.message == (
            "The upstream refused these options of the request: model, duration."
        )

        # OpenRouter's API, with an option that only this family has.
        router = {
            "model": "acme/films/acme-large", "prompt": "a sea", "duration": 7,
            "provider": {"options": {"acme/films": {"parameters": {"grain": 8}}}},
        }  # fmt: skip
        made = await gate.http.post("/openrouter/api/v1/videos", json=router, headers=headers)
        assert made.status_code == 202, made.text
        stored = await gate.generation(UUID(made.json()["id"]))
        assert stored.spec.to_json() == {
            "model": "acme-large", "prompt": "a sea", "duration": "7s", "grain": 8,
        }  # fmt: skip

        # An SDK, by an alias: never shorter than requested, and in the shape there is.
        video = {"model": "film", "prompt": "a tree", "seconds": "5", "size": "1440x720"}
        made = await gate.http.post("/v1/videos", json=video, headers=headers)
        assert made.status_code == 200, made.text
        assert (made.json()["seconds"], made.json()["model"]) == ("7", "film")
        generation = await gate.archived(made.json()["id"].removeprefix("video_"))
        assert generation.spec.to_json() == {
            "model": "acme-large", "prompt": "a tree", "duration": "7s", "aspect_ratio": "2:1",
        }  # fmt: skip
        assert generation.asset is not None
        assert generation.asset.mismatch is None
