"""Calls to the upstream. Every way in which a call can fail ends in an answer; the question is only
whether the request may have left."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote
from uuid import uuid4

from pydantic import SecretStr

from app.domain.catalog.catalog import Catalog
from app.domain.catalog.models import Model
from app.domain.catalog.spec import Spec
from app.domain.upstream_keys import Figures, KeyCheck
from app.fetch import GuardedFetcher
from app.http_client import Answer, HttpClient, RequestFailed, Response
from app.telemetry import logger
from app.upstream.answers import (
    Busy,
    Failed,
    KeyTrouble,
    Lost,
    Missing,
    NotProcessed,
    ResultAnswer,
    Running,
    SubmitAnswer,
    Succeeded,
    Unconfirmed,
)
from app.upstream.assets import AssetFile, Form, UploadAnswer, UploadFailed, read_upload
from app.upstream.encoding import TooLarge, Unreadable, unpacked
from app.upstream.errors import words_of_options
from app.upstream.inflight import InFlight
from app.upstream.reply import is_document
from app.upstream.wire import explained, read_result, read_submission, request_body

log = logger(__name__)

MAX_ANSWER_BYTES = 1_048_576
RESULT_SECONDS = 30.0
#: The largest file takes this long at 2.3 Mbit/s.
UPLOAD_SECONDS = 180.0
_SECRET_CHARS = 8

#: (operation, outcome, seconds). Outcomes are a small set: `running`, `lost:timeout`, …
Observer = Callable[[str, str, float], None]
_Answer = TypeVar("_Answer", SubmitAnswer, ResultAnswer)


class UpstreamClient:
    def __init__(
        self,
        *,
        http: HttpClient,
        base_url: str,
        keys: Mapping[str, str | SecretStr],
        fetcher: GuardedFetcher,
        read_seconds: float,
        catalog: Catalog,
        observe: Observer | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`keys` maps labels to keys. `catalog` has the options that errors may name. `observe` is
        called for every call."""
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._keys = {
            label: key if isinstance(key, SecretStr) else SecretStr(key)
            for label, key in keys.items()
        }
        self._fetcher = fetcher
        self._read_seconds = read_seconds
        self._options = words_of_options(catalog)
        self._observe = observe
        self._clock = clock
        self._in_flight = {label: InFlight() for label in self._keys}

    def in_flight(self, key_label: str) -> InFlight:
        """The submissions in flight through a configured key, as this process sees them."""
        return self._in_flight[key_label]

    def labels(self) -> tuple[str, ...]:
        return tuple(self._keys)

    async def submit(
        self, key_label: str, model: Model, spec: Spec, *, run_async: bool
    ) -> SubmitAnswer:
        """Sends one generation, once. A canceled call may have been processed."""
        return await self._observed("submit", self._submit(key_label, model, spec, run_async))

    async def result(self, key_label: str, upstream_id: str) -> ResultAnswer:
        """Polls a generation, with the key that created it."""
        return await self._observed("result", self._result(key_label, upstream_id))

    def download(
        self, link: str, *, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Response]:
        """The video behind a link, as a streamed response. Raises what the fetcher raises."""
        return self._fetcher.stream(link, headers=headers)

    async def upload(self, key_label: str, file: AssetFile) -> UploadAnswer:
        """Uploads a file to the account of a key. It costs nothing, so it may be repeated."""
        started, outcome = self._clock(), "aborted"
        try:
            answer = await self._upload(key_label, file)
            reason = getattr(answer, "reason", None)
            word = type(answer).__name__.removeprefix("Upload").lower()
            outcome = "uploaded" if reason is None else f"{word}:{reason}"
            return answer
        finally:
            with suppress(Exception):
                if self._observe is not None:
                    self._observe("upload", outcome, self._clock() - started)

    async def check_key(self, key_label: str) -> KeyCheck:
        """Looks up an id that does not exist, which is free and shows whether the key is valid. A
        key without credits is still accepted."""
        check, _ = await self.look_at(key_label, None)
        return check

    async def look_at(
        self, key_label: str, upstream_id: str | None
    ) -> tuple[KeyCheck, Figures | None]:
        """Looks up an earlier record of the key, which is free too, and also shows the figures of
        its account. Without one, as `check_key`."""
        call = self._result(key_label, upstream_id or str(uuid4()))
        answer = await self._observed("check_key", call)
        if isinstance(answer, Missing):
            return KeyCheck.OK, None
        if not isinstance(answer, Busy):
            return KeyCheck.OK, answer.figures
        if answer.key_trouble is KeyTrouble.OUT_OF_CREDITS:
            return KeyCheck.OK, None
        rejected = answer.key_trouble is KeyTrouble.REJECTED
        return KeyCheck.REJECTED if rejected else KeyCheck.UNREACHABLE, None

    async def _submit(
        self, key_label: str, model: Model, spec: Spec, run_async: bool
    ) -> SubmitAnswer:
        if key_label not in self._keys:
            return NotProcessed(reason="key_unknown")
        try:
            body = request_body(model, spec, run_async=run_async)
            content = json.dumps(body, separators=(",", ":")).encode()
        except Exception as error:
            log.error("request_unsendable", error=type(error).__name__)
            return NotProcessed(reason="unsendable")
        try:
            with self._in_flight[key_label].submission() as taken:
                answer = await self._exchange(
                    key_label,
                    "POST",
                    "/api/features",
                    seconds=self._read_seconds,
                    content=content,
                    read=lambda reply: read_submission(reply.status, reply.headers, reply.body),
                )
                if isinstance(answer, Running | Succeeded):
                    taken()
        except RequestFailed as failed:
            if failed.may_have_left:
                return Lost(reason=failed.reason)
            return NotProcessed(reason=failed.reason)
        return answer

    async def _upload(self, key_label: str, file: AssetFile) -> UploadAnswer:
        if key_label not in self._keys:
            return UploadFailed(reason="key_unknown")
        form = Form(file)
        try:
            reply = await self._http.request(
                "POST",
                f"{self._base_url}/api/assets",
                headers=self._headers(self._keys[key_label], has_body=False) | form.headers,
                content=form.content(),
                seconds=UPLOAD_SECONDS,
                max_bytes=MAX_ANSWER_BYTES,
            )
            self._in_flight[key_label].hear()
            whole = _whole(reply)
        except RequestFailed as failed:
            return UploadFailed(reason=failed.reason)
        return read_upload(whole.status, whole.headers, whole.body)

    async def _result(self, key_label: str, upstream_id: str) -> ResultAnswer:
        if key_label not in self._keys:
            return Busy(reason="key_unknown")
        try:
            return await self._exchange(
                key_label,
                "GET",
                f"/api/results/{quote(upstream_id, safe='')}",
                seconds=RESULT_SECONDS,
                read=lambda reply: read_result(
                    reply.status, reply.headers, reply.body, expected_id=upstream_id
                ),
            )
        except RequestFailed as failed:
            return Busy(reason=failed.reason)

    async def _exchange(
        self,
        key_label: str,
        method: str,
        path: str,
        *,
        seconds: float,
        read: Callable[[Answer], _Answer],
        content: bytes | None = None,
    ) -> _Answer:
        """Sends one request and reads its answer, or gives `RequestFailed`."""
        reply = await self._http.request(
            method,
            self._base_url + path,
            headers=self._headers(self._keys[key_label], has_body=content is not None),
            content=content,
            seconds=seconds,
            max_bytes=MAX_ANSWER_BYTES,
        )
        self._in_flight[key_label].hear()
        try:
            return self._without_keys(explained(read(_whole(reply)), self._options))
        except RequestFailed:
            raise
        except Exception as error:
            # It was sent, so an error in reading the answer is no reason to send it again.
            log.error("answer_unreadable", error=type(error).__name__)
            raise RequestFailed("unreadable", may_have_left=True) from None

    def _without_keys(self, answer: _Answer) -> _Answer:
        """Removes the account's keys from the upstream's words, which are kept for operators."""
        said = getattr(answer, "verbatim", None)
        if said is None or isinstance(answer, Missing | Busy):
            return answer
        for key in self._keys.values():
            # A shorter one is a placeholder, and may be part of any word.
            if len(key) >= _SECRET_CHARS:
                said = said.replace(key.get_secret_value(), "[key]")
        return replace(answer, verbatim=said)

    def _headers(self, key: SecretStr, *, has_body: bool) -> dict[str, str]:
        headers = {"API-KEY": key.get_secret_value(), "Accept": "application/json"}
        return headers | {"Content-Type": "application/json"} if has_body else headers

    async def _observed(self, operation: str, call: Awaitable[_Answer]) -> _Answer:
        started, outcome = self._clock(), "aborted"
        try:
            answer = await call
            outcome = _outcome(answer)
            return answer
        finally:
            # An error in the bookkeeping must not lose an answer that was paid for.
            with suppress(Exception):
                if self._observe is not None:
                    self._observe(operation, outcome, self._clock() - started)


def _whole(answer: Answer) -> Answer:
    """The decoded answer. Raises `RequestFailed` if part of it is missing. A complete JSON document
    counts, however its connection ended."""
    coding = answer.headers.get("content-encoding", "")
    try:
        body = unpacked(answer.body, coding, max_bytes=MAX_ANSWER_BYTES)
    except TooLarge:
        raise RequestFailed("too_large", may_have_left=True) from None
    except Unreadable:
        raise RequestFailed(answer.broke or "unreadable", may_have_left=True) from None
    if answer.broke is not None and not is_document(body):
        raise RequestFailed(answer.broke, may_have_left=True)
    return replace(answer, body=body)


def _outcome(answer: SubmitAnswer | ResultAnswer) -> str:
    match answer:
        case NotProcessed():
            return f"not_processed:{answer.reason}"
        case Lost():
            return f"lost:{answer.reason}"
        case Busy():
            return f"busy:{answer.reason}"
        case Failed():
            return f"failed:{answer.code}"
        case Running():
            return "running"
        case Succeeded():
            return "succeeded"
        case Unconfirmed():
            return "unconfirmed"
        case Missing():
            return "missing"
