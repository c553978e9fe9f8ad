"""Live events: of one generation, of a member, or of a team."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from app.api.credit_documents import CreditRequestDocument, credit_document
from app.api.documents import (
    Document,
    GenerationDocument,
    ProgressDocument,
    generation_document,
)
from app.api.notice_documents import NoticeDocument
from app.api.parameters import AnyFormOfId, GenerationId, refusals
from app.db import events
from app.db.durations import History
from app.db.events import Event, EventPosition, Whose
from app.domain.caller import Caller as CallerRecord
from app.domain.catalog.spec import Spec
from app.domain.generation import FINAL, Generation
from app.domain.keys import Scope
from app.domain.text import shown
from app.errors import Forbidden, InvalidRequest, Issue, TooManyStreams, Unavailable
from app.generations import progress, queries
from app.http.access import Caller, Listening, Rt
from app.http.streams import HEARTBEAT, EventStream, beginning, frame
from app.live.feed import FeedItem, Listener
from app.runtime import ApiRuntime

router = APIRouter(tags=["events"])

TOKEN_SECONDS = 300
HEARTBEAT_SECONDS = 15.0
#: Streams of one member that one API process keeps open: more tabs than anyone has, and a hundredth
#: of what a process allows by default, so that no member takes the places of all others.
MAX_STREAMS_PER_MEMBER = 100
#: How long a stream lasts before its client must connect again with a valid key: often enough that
#: streams spread over all processes, and rarely enough to cost next to nothing.
STREAM_SECONDS = 3_600.0
#: How soon a client reconnects after its stream has ended.
_RETRY_MILLISECONDS = 2_000
_PLACED_SECONDS = 10.0
_PAGE = 200
_FINAL_TYPES = frozenset(f"generation.{state.value}" for state in FINAL)

#: Not described: generators make one name of the two.
LastEventId = Annotated[str | None, Header(include_in_schema=False)]
LastEventIdQuery = Annotated[
    str | None,
    Query(
        alias="last_event_id",
        description="The id of the last event you received; the stream continues after it. The "
        "header `Last-Event-ID`, which browsers send by themselves, says the same.",
    ),
]


class EventDocument(Document):
    """One event, as the `data` of a stream. `type` says what happened; `generation` is as of the
    moment the event is sent."""

    object: str = "event"
    id: int
    type: str
    created_at: datetime
    generation: GenerationDocument


class CreditsEventDocument(Document):
    """One event about credits: about a notice, or about a request for more."""

    object: Literal["event"]
    id: int
    type: str
    created_at: datetime
    notice: NoticeDocument | None = None
    credit_request: CreditRequestDocument | None = None


class EventsTokenDocument(Document):
    """A token for `?token=`, which opens event streams until it expires."""

    token: str
    expires_at: datetime
    expires_in_seconds: int


_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events as they happen, until you disconnect (WHATWG server-sent events). "
        "`data` is JSON with `id`, `type`, `created_at` and `generation`; events about credits "
        "have `notice` or `credit_request` in its place.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": "id: 41\nevent: generation.running\n"
                'data: {"object":"event","id":41,"type":"generation.running",…}\n\n',
            }
        },
    },
    **refusals(422, 429),
}


@router.post("/events/token", name="create_events_token", status_code=201,
             responses=refusals(403, 404, 422))  # fmt: skip
async def create_events_token(
    rt: Rt,
    caller: Caller,
    generation_id: Annotated[
        UUID | None,
        AnyFormOfId,
        Query(
            description="Makes a token for the events of this generation alone, for a page whose "
            "visitors must not see each other's videos."
        ),
    ] = None,
) -> EventsTokenDocument:
    """Creates a token for web pages, whose EventSource cannot send your key. For five minutes it
    opens streams of your own events, or of one generation, and nothing else; a stream that is open
    stays open."""
    if generation_id is not None:
        await queries.get_own(rt, caller, generation_id)
    elif not caller.has(Scope.READ):
        raise Forbidden(
            "This key may not read, so its tokens are for one generation: name it in "
            "`generation_id`."
        )
    expires_at = rt.clock.now() + timedelta(seconds=TOKEN_SECONDS)
    return EventsTokenDocument(
        token=rt.stream_tokens.make(
            caller.key_id, expires_at=expires_at, generation_id=generation_id
        ),
        expires_at=expires_at,
        expires_in_seconds=TOKEN_SECONDS,
    )


@router.get("/events", name="stream_events", response_class=Response, responses=_STREAM)
async def stream_events(
    rt: Rt,
    caller: Listening,
    last_event_id: LastEventId = None,
    last_event_id_query: LastEventIdQuery = None,
    team: Annotated[
        bool,
        Query(description="Events of everybody in the team; administrators only, with a key."),
    ] = False,
) -> Response:
    """Streams the events of all your generations and of your credits, from now on or after the last
    you received."""
    if team and not caller.is_admin:
        raise Forbidden(
            "Only an administrator of the team may listen to the team's events, and only with a "
            "key: a token is for its own member's."
        )
    seen = _event_id(last_event_id, last_event_id_query)
    whose = Whose(team_id=caller.team_id) if team else Whose(member_id=caller.member_id)
    listener = await _listen(rt, caller, whose)
    try:
        async with rt.db.single() as tx:
            if seen is not None:
                begin = await events.position_of(tx, seen)
            else:
                begin = await events.newest_position(tx, whose)
    except BaseException:
        rt.feed.leave(listener)
        raise
    stream = _Stream(rt, listener, begin, began_at=begin[1] if seen is None else None)
    return EventStream(stream.frames(), leave=stream.leave)


@router.get("/generations/{generation_id}/events", name="stream_generation_events",
            response_class=Response,
            responses={**_STREAM, 204: {"description": "The generation has ended and has no more "
                                        "events: EventSource stops reconnecting."}})  # fmt: skip
async def stream_generation_events(
    generation_id: GenerationId,
    rt: Rt,
    caller: Listening,
    last_event_id: LastEventId = None,
    last_event_id_query: LastEventIdQuery = None,
) -> Response:
    """Streams the events of one generation from its start, or after the last one you received. The
    stream ends when the generation has ended. Between events, `progress` says how long it has taken
    and how long similar ones took."""
    seen = _event_id(last_event_id, last_event_id_query)
    generation = await queries.get_visible(rt, caller, generation_id)
    whose = Whose(generation_id=generation.id)
    listener = await _listen(rt, caller, whose)
    try:
        async with rt.db.single() as tx:
            begin = (0, 0) if seen is None else await events.position_of(tx, seen)
            over = await events.has_readable_end(
                tx, generation.id, types=_FINAL_TYPES, ended=generation.state in FINAL
            )
            left = await events.replay(tx, whose, begin, limit=1) if over else []
    except BaseException:
        rt.feed.leave(listener)
        raise
    if over and not left:
        rt.feed.leave(listener)
        return Response(status_code=204)
    stream = _Stream(rt, listener, begin, of_one=generation, final_seen=over)
    return EventStream(stream.frames(), leave=stream.leave)


async def _listen(rt: ApiRuntime, caller: CallerRecord, whose: Whose) -> Listener:
    """A listener that misses nothing from now on. Raises `TooManyStreams` and `Unavailable`."""
    if rt.feed.listening_of(caller.member_id) >= MAX_STREAMS_PER_MEMBER:
        rt.metrics.streams_ended.labels("refused_member").inc()
        raise TooManyStreams(
            f"{MAX_STREAMS_PER_MEMBER} streams of this member are open, which is the limit of one "
            "process; close some.",
            retry_after_seconds=10,
            extra={"limit": "max_streams_per_member", "limit_value": MAX_STREAMS_PER_MEMBER},
        )
    if rt.feed.listening >= rt.settings.max_streams:
        rt.metrics.streams_ended.labels("refused_process").inc()
        raise Unavailable("No more streams of events can be opened now.", retry_after_seconds=10)
    listener = rt.feed.listen(whose, member_id=caller.member_id, lasts_with=caller.lasts_with)
    try:
        await rt.feed.placed(seconds=_PLACED_SECONDS)
    except BaseException:
        rt.feed.leave(listener)
        raise
    return listener


def _event_id(header: str | None, query: str | None) -> int | None:
    """The header, which browsers send when they reconnect, takes precedence over the query."""
    for field, given in (("Last-Event-ID", header), ("last_event_id", query)):
        if given:
            if not given.isascii() or not given.isdigit() or len(given) > 18:
                message = "must be the id of an event, a number"
                raise InvalidRequest(
                    f"{field} {message}.", issues=[Issue(field, "value", message, shown(given))]
                )
            return int(given)
    return None


def _is_final(event: Event) -> bool:
    return event.type in _FINAL_TYPES


async def _history(rt: ApiRuntime, spec: Spec) -> History:
    """The history of similar generations, at most a few seconds old. While the database is away,
    the last known one: the stream can do without, and a browser that gets an error does not
    reconnect by itself."""
    try:
        return await rt.durations.of(spec)
    except Unavailable:
        return rt.durations.at_hand(spec)


async def _render(rt: ApiRuntime, item: FeedItem) -> bytes:
    event, generation = item.event, item.generation
    if generation is None:
        name, about = credit_document(event.type, event.content or {})
        about_credits = CreditsEventDocument.model_validate(
            {"object": "event", "id": event.id, "type": event.type,
             "created_at": event.created_at, name: about}
        )  # fmt: skip
        content = about_credits.model_dump_json(exclude={"notice", "credit_request"} - {name})
        return frame(content.encode(), event=event.type, event_id=event.id)
    history = await _history(rt, generation.spec)
    document = EventDocument.model_construct(
        object="event",
        id=event.id,
        type=event.type,
        created_at=event.created_at,
        generation=generation_document(
            generation,
            links=queries.links(rt, generation),
            progress=progress.progress_of(generation, history, now=rt.clock.now()),
        ),
    )
    return frame(document.model_dump_json().encode(), event=event.type, event_id=event.id)


@dataclass(slots=True)
class _Stream:
    """The events of one stream: first past events after `position`, then new ones."""

    rt: ApiRuntime
    listener: Listener
    position: EventPosition
    #: Sent first, so that a client that gets no event knows its position.
    began_at: int | None = None
    #: The generation whose end also ends the stream, as last seen.
    of_one: Generation | None = None
    #: Its last event is past or has been sent, so there is nothing left to wait for.
    final_seen: bool = False
    #: All past events have been sent; those that wait at the listener follow without a gap.
    caught_up: bool = False

    def leave(self) -> None:
        self.rt.feed.leave(self.listener)

    async def frames(self) -> AsyncGenerator[bytes, None]:
        # Randomized, so that streams that began together do not all reconnect together.
        seconds = STREAM_SECONDS * random.uniform(0.9, 1.0)  # noqa: S311
        until = time.monotonic() + seconds
        reason = "over"
        try:
            yield beginning(retry_milliseconds=_RETRY_MILLISECONDS, event_id=self.began_at)
            async for item in self._before():
                yield await self._frame(item)
            while not self.final_seen:
                live = self.listener.take() if self.caught_up else None
                if live is not None:
                    if live.event.position > self.position:
                        yield await self._frame(live)
                elif self.listener.ended:
                    reason = self.listener.ended
                    break
                elif time.monotonic() > until:
                    reason = "time"
                    break
                elif not await self.listener.heard(seconds=HEARTBEAT_SECONDS):
                    yield await self._heartbeat()
        except Unavailable:
            # The client connects again and continues after its last event.
            reason = "unavailable"
        except (GeneratorExit, asyncio.CancelledError):
            # The client has not read what was sent for too long.
            reason = self.listener.ended or "behind"
            raise
        finally:
            self.rt.metrics.streams_ended.labels(reason).inc()

    async def _before(self) -> AsyncGenerator[FeedItem, None]:
        while not (self.caught_up or self.listener.ended):
            async with self.rt.db.single() as tx:
                found = await events.replay(tx, self.listener.whose, self.position, limit=_PAGE)
            for item in await self.rt.feed.with_generations(found):
                if self.listener.ended:
                    return
                yield item
            self.caught_up = len(found) < _PAGE

    async def _frame(self, item: FeedItem) -> bytes:
        self.position = item.event.position
        if self.of_one is not None:
            self.of_one = item.generation
            self.final_seen = self.final_seen or _is_final(item.event)
        if item.frame is None:
            item.frame = await _render(self.rt, item)
        return item.frame

    async def _heartbeat(self) -> bytes:
        if self.of_one is None:
            return HEARTBEAT
        history = await _history(self.rt, self.of_one.spec)
        now = progress.progress_of(self.of_one, history, now=self.rt.clock.now())
        document = ProgressDocument(
            elapsed_seconds=round(now.elapsed_seconds, 3),
            p50_seconds=now.p50_seconds,
            p90_seconds=now.p90_seconds,
        )
        return frame(document.model_dump_json().encode(), event="progress")
