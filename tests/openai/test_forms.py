"""Forms nobody should send, and forms as picky programs write them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.db.session import Tx
from app.errors import InvalidRequest, PayloadTooLarge, RequestTimedOut, Unavailable
from app.http.multipart import MAX_PARTS, Form, is_form, read_form
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import traces
from tests.openai.asking import bearer, created, form, refusal

KIND = "multipart/form-data; boundary=xyz"


def part(name: str, value: str) -> bytes:
    head = f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + value.encode() + b"\r\n"


END = b"--xyz--\r\n"


def posting(blocks: list[bytes], kind: str = KIND) -> Request:
    waiting = list(blocks)

    async def receive() -> Message:
        block = waiting.pop(0)
        return {"type": "http.request", "body": block, "more_body": bool(waiting)}

    headers = [(b"content-type", kind.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def read(body: bytes, kind: str = KIND, *, step: int = 0, limit: int = 10_000) -> Form:
    blocks = [body[at : at + step] for at in range(0, len(body), step)] if step else [body]
    return await read_form(posting(blocks, kind), limit=limit, seconds=5)


@pytest.mark.parametrize("step", [0, 1, 7, 64])
async def test_a_form_is_read_however_it_is_cut(step: int) -> None:
    body = part("prompt", "Ω wave\r\n--xy") + part("seconds", "") + part("prompt", "two") + END
    found = await read(body, step=step)
    assert found.fields == (("prompt", "Ω wave\r\n--xy"), ("seconds", ""), ("prompt", "two"))
    assert found.file is None


@pytest.mark.parametrize(
    "kind",
    ['multipart/form-data; boundary="xyz"', "Multipart/Form-Data; charset=utf-8;boundary=xyz"],
)  # fmt: skip
async def test_the_content_type_may_be_written_otherwise(kind: str) -> None:
    assert is_form(posting([], kind))
    assert (await read(part("a", "1") + END, kind)).fields == (("a", "1"),)


async def test_a_content_type_that_is_longer_than_any_is_not_read() -> None:
    """Reading one of 64 kB stands still for a second, and with it everybody else."""
    kind = KIND + '; x="' + ";" * 1_000
    with pytest.raises(InvalidRequest, match="Content-Type must be at most 1000 characters"):
        is_form(posting([], kind))
    with pytest.raises(InvalidRequest, match="Content-Type"):
        await read(part("a", "1") + END, kind)


async def test_other_parts_headers_do_not_matter() -> None:
    body = (
        b"--xyz\r\nContent-Type: text/plain\r\ncontent-disposition: form-data; name=a\r\n"
        b"X-Other: b\r\n\r\n1\r\n" + END
    )
    assert (await read(body)).fields == (("a", "1"),)


async def test_reading_ends_with_the_first_file() -> None:
    head = b'--xyz\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
    left = [part("prompt", "p") + head, b"\0" * 100, b"\0" * 100]
    request = posting(left)
    found = await read_form(request, limit=10, seconds=5)
    assert found == Form((("prompt", "p"),), "picture")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", KIND),
        (b"prompt=a", KIND),
        (part("a", "1"), KIND),
        (part("a", "1")[:-3], KIND),
        (part("a", "1") + END, "multipart/form-data"),
        (part("a", "1") + END, "multipart/form-data; boundary=" + "x" * 300),
        (b"--xyz\r\n\r\n1\r\n" + END, KIND),
        (b"--xyz\r\nContent-Disposition: form-data\r\n\r\n1\r\n" + END, KIND),
        (b"--xyz\r\n" + b"X: y\r\n" * 100 + b"\r\n1\r\n" + END, KIND),
        (b"--xyz\r\nX: " + b"y" * 100_000 + b"\r\n\r\n1\r\n" + END, KIND),
        (part("a", "1").replace(b"1", b"\xff") + END, KIND),
        (part("a", "1") * (MAX_PARTS + 1) + END, KIND),
    ],
)
async def test_what_is_no_form_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(InvalidRequest):
        await read(body, kind, limit=1_000_000)


async def test_a_form_is_read_only_so_far() -> None:
    with pytest.raises(PayloadTooLarge, match="100 bytes"):
        await read(part("a", "x" * 200) + END, limit=100, step=50)


async def test_a_form_that_does_not_come_is_given_up() -> None:
    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    headers = [(b"content-type", KIND.encode())]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    with pytest.raises(RequestTimedOut):
        await read_form(request, limit=100, seconds=0.01)


async def test_a_caller_that_hangs_up_is_no_fault() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    headers = [(b"content-type", KIND.encode())]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    with pytest.raises(InvalidRequest):
        await read_form(request, limit=100, seconds=5)


async def test_a_hostile_form_is_refused_in_our_shape_and_leaves_nothing(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    before = await traces(still_gate)

    async def in_pieces() -> AsyncIterator[bytes]:
        yield part("prompt", "x" * 2_000_000) + END

    for content, status, code in (
        (b"nonsense", 400, "invalid_request"),
        (part("prompt", "p"), 400, "invalid_request"),
        (part("prompt", "p") * 100 + END, 400, "invalid_request"),
        (part("prompt", "p") * 2 + END, 400, "invalid_type"),
        (in_pieces(), 413, "payload_too_large"),
    ):
        answer = await still_gate.http.post(
            "/v1/videos", content=content, headers=bearer(key) | {"Content-Type": KIND}
        )
        refusal(answer, status, code)
    assert await traces(still_gate) == before


async def test_a_create_that_is_paid_for_and_cannot_be_read_is_not_to_be_sent_again(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database went away between the admission and the look at what it has admitted."""
    async with gateway(database_url, tmp_path, worker=False) as gate:
        key = await gate.member()
        await created(gate, key)

        async def away(tx: Tx, *_: object, **__: object) -> None:
            raise Unavailable("The gateway cannot reach its database right now.")

        monkeypatch.setattr("app.db.ledger.used_by_member", away)
        answer = await gate.http.post(
            "/v1/videos", headers=bearer(key, Idempotency_Key="order-1"), **form({"prompt": "p"})
        )
        assert answer.status_code == 200
        again = await gate.http.post(
            "/v1/videos", headers=bearer(key, Idempotency_Key="order-1"), **form({"prompt": "p"})
        )
        assert refusal(again, 503, "unavailable", billed=None)["retry_safe"] is False
