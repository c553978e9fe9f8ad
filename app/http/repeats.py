"""Requests of those who manage, repeated with the same Idempotency-Key."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from app.db.repeats import Repeat
from app.generations.admission import parse_idempotency_key
from app.http.access import Identified

REPLAYED = "Idempotent-Replayed"
#: What the OpenAPI document says of a route that takes `Once`.
ONCE: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Your own identifier for this request, such as a random UUID, 1 to 255 "
            "visible characters. Repeating the request with the same key within two days makes "
            "nothing else: it returns what the first one made, or for an API key 409 "
            "`key_already_made`, which names it, since its secret is shown only once.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }
    ]
}
#: Of what a route answers that returns what an earlier request made.
MADE: dict[int | str, dict[str, Any]] = {
    201: {
        "headers": {
            REPLAYED: {
                "description": "`true` if an earlier request made it.",
                "schema": {"type": "string"},
                "example": "true",
            }
        }
    }
}


async def _repeat(request: Request, caller: Identified) -> Repeat | None:
    key = parse_idempotency_key(request.headers.get("idempotency-key"))
    if key is None:
        return None
    # Without the order of its fields, and without white space. It has been parsed before.
    body = await request.body()
    said = json.dumps(json.loads(body), sort_keys=True) if body else ""
    whole = "\n".join((request.method, request.url.path, said))
    return Repeat(
        member_id=caller.member_id, key=key, fingerprint=hashlib.sha256(whole.encode()).digest()
    )


#: None: the request has no Idempotency-Key.
Once = Annotated[Repeat | None, Depends(_repeat)]


def mark(response: Response, once: Repeat | None) -> None:
    """Says in the response that this repeats an earlier request."""
    if once is not None and once.replayed:
        response.headers[REPLAYED] = "true"
