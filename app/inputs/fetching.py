"""Fetches an image by its URL."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re

from app.fetch import FetchFailed, Refused
from app.inputs.spool import Spool
from app.inputs.uploads import refused
from app.runtime import ApiRuntime

FETCH_SECONDS = 60.0
_DATA = re.compile(r"data:image/[a-z]{3,4};base64,", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether it is meant as a URL, whatever is behind it."""
    return re.match(r"(?:https?://|data:)", text, re.IGNORECASE) is not None


async def fetch(rt: ApiRuntime, url: str, spool: Spool, *, field: str) -> None:
    """Writes what is behind the URL, which may hold the bytes itself. Raises `InvalidRequest` and
    `PayloadTooLarge`. `field` is what the caller calls it."""
    if url[:5].lower() == "data:":
        await spool.write(_held(url, field))
        return
    try:
        async with (
            asyncio.timeout(FETCH_SECONDS),
            rt.input_fetches.stream(url, headers={"Accept": "image/*"}) as response,
        ):
            if response.status_code != 200:
                raise refused(field, f"could not be fetched: status {response.status_code}")
            async for chunk in response.aiter_raw():
                await spool.write(chunk)
    except Refused as error:
        raise refused(field, f"is not fetched: {str(error).rstrip('.')}") from None
    except FetchFailed as error:
        raise refused(field, f"could not be fetched: {str(error).rstrip('.')}") from None
    except TimeoutError:
        raise refused(field, f"could not be fetched within {FETCH_SECONDS:g} seconds") from None


def _held(url: str, field: str) -> bytes:
    found = _DATA.match(url)
    if found is None:
        raise refused(field, "must be an https URL, or data:image/png;base64,… with the image")
    try:
        return base64.b64decode(url[found.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise refused(field, "holds base64 that cannot be read") from None
