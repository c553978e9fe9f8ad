"""Every error a caller can meet, as one family.

    GatewayError
    ├── Unauthenticated              401  unauthenticated
    ├── Forbidden                    403  permission_denied
    │   └── Suspended                403  suspended
    ├── NotFound                     404  not_found
    ├── MethodNotAllowed             405  method_not_allowed
    ├── RequestTimedOut              408  request_timeout
    ├── NotCancelable                409  not_cancelable
    ├── NotRetryable                 409  not_retryable
    ├── NotUnknown                   409  not_unknown
    ├── NotSetAside                  409  not_set_aside
    ├── KeyAlreadyMade               409  key_already_made
    ├── NotReady                     409  not_ready
    ├── RequestConflict              409  request_conflict
    ├── VideoExpired                 410  video_expired
    ├── PreconditionFailed           412  precondition_failed
    ├── PayloadTooLarge              413  payload_too_large
    ├── UnsupportedEncoding          415  unsupported_encoding
    ├── RangeNotSatisfiable          416  range_not_satisfiable
    ├── InvalidRequest               422  invalid_request
    │   ├── MalformedJson            422  malformed_json
    │   ├── UnsupportedModel         422  unsupported_model
    │   ├── NotOffered               422  not_offered
    │   ├── PriceUnknown             422  price_unknown
    │   └── IdempotencyMismatch      422  idempotency_mismatch
    ├── InsufficientCredits          402  insufficient_credits
    ├── RateLimited                  429  rate_limited
    ├── MaxOpenReached               429  max_open_reached
    ├── TooManyStreams               429  too_many_streams
    ├── Unavailable                  503  unavailable
    │   └── Paused                   503  paused
    └── Internal                     500  internal_error

Statuses are those of the gateway's own REST (RFC 9110); a dialect may map the code to another one.

Every error answers three questions of a caller who pays:

- `billed`: were credits set aside or spent by this request? None where nobody can know yet.
- `retry_safe`: is it certain that the very same request, sent again, does not pay for a second
  video?
- `generation_id`: which generation exists although this request failed?
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

#: The most issues that an error names: a body of a megabyte can have a hundred thousand.
MAX_ISSUES = 50


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with one field of a request.

    `field` is the path in the caller's format (`promptObject.duration`). `code` is `missing`,
    `unknown`, `type` or `value`. `allowed` lists the accepted values, if they can be listed.
    """

    field: str
    code: str
    message: str
    value: Any = None
    allowed: Sequence[Any] | None = None

    def to_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"field": self.field, "code": self.code, "message": self.message}
        if self.code in ("type", "value", "unknown"):
            body["value"] = self.value
        if self.allowed is not None:
            body["allowed"] = list(self.allowed)
        return body


_CREATES, _WATCHES = ("create_generation", "create_feature"), ("get_content", "get_thumbnail")
_ADMISSIONS = (*_CREATES, "retry_generation")


class GatewayError(Exception):
    """The root: a refusal or failure that may be shown to the caller as it is."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong inside the gateway"
    #: The operations of the OpenAPI document that alone answer with this code. None: any may.
    operations: ClassVar[tuple[str, ...] | None] = None
    #: Whether only operations with a body answer with this code.
    of_bodies: ClassVar[bool] = False
    #: Of this kind; an instance may say otherwise.
    billed: bool | None = False
    retry_safe: bool = False

    def __init__(
        self,
        message: str | None = None,
        *,
        issues: Sequence[Issue] = (), billed: bool | None = False, retry_safe: bool | None = None,
        generation_id: UUID | None = None, retry_after_seconds: float | None = None,
        headers: Mapping[str, str] | None = None, extra: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """`retry_safe` None: as its kind says. `extra` are further members of the body."""
        self.message = message or self.title
        self.issues = tuple(issues[:MAX_ISSUES])
        self.billed = billed
        if retry_safe is not None:
            self.retry_safe = retry_safe
        self.generation_id = generation_id
        self.retry_after_seconds = retry_after_seconds
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        super().__init__(self.message)

    def __str__(self) -> str:
        return sentence(self)

    def members(self, request_id: str) -> dict[str, Any]:
        """What a JSON body says of it, in the names of the gateway's own REST."""
        body: dict[str, Any] = {
            "detail": sentence(self), "code": self.code, "billed": self.billed,
            "retry_safe": self.retry_safe, "request_id": request_id, **self.extra,
        }  # fmt: skip
        if self.generation_id is not None:
            body["generation_id"] = str(self.generation_id)
        if self.issues:
            body["errors"] = [issue.to_json() for issue in self.issues]
        return body


class Unauthenticated(GatewayError):
    code = "unauthenticated"
    status = 401
    title = "A valid API key is required"
    retry_safe = True

    def __init__(
        self, message: str = "This key is unknown, expired or revoked.", **more: Any
    ) -> None:
        super().__init__(message, **{"headers": {"WWW-Authenticate": "Bearer"}, **more})


class Forbidden(GatewayError):
    code = "permission_denied"
    status = 403
    title = "This key is not allowed to do that"
    retry_safe = True


class Suspended(Forbidden):
    code = "suspended"
    title = "This member or team is suspended"


class NotFound(GatewayError):
    code = "not_found"
    status = 404
    title = "There is nothing at this path, or it is not yours"
    retry_safe = True


class MethodNotAllowed(GatewayError):
    code = "method_not_allowed"
    status = 405
    title = "This path does not allow that method"
    retry_safe = True


class RequestTimedOut(GatewayError):
    code = "request_timeout"
    status = 408
    title = "The request body did not arrive in time"
    retry_safe = True


class WrongState(GatewayError):
    status = 409
    retry_safe = True


class NotCancelable(WrongState):
    code = "not_cancelable"
    title = "Only a queued generation can be canceled"
    operations = ("cancel_generation", "cancel_managed_generation")


class NotRetryable(WrongState):
    code = "not_retryable"
    title = "Only a failed or canceled generation can be retried"
    operations = ("retry_generation",)


class NotUnknown(WrongState):
    code = "not_unknown"
    title = "Only a generation whose outcome is unknown can be resolved"
    operations = ("resolve_unknown",)


class NotSetAside(WrongState):
    code = "not_set_aside"
    title = "The generation has no video that is set aside, or lost"
    operations = ("retry_archiving", "accept_file")


class KeyAlreadyMade(WrongState):
    code = "key_already_made"
    title = "This Idempotency-Key made a key, whose secret is not shown again"
    operations = ("create_own_key", "rotate_own_key", "create_member_key", "rotate_key")


class NotReady(WrongState):
    code = "not_ready"
    title = "The video is not ready yet"
    operations = (*_WATCHES, "create_share", "delete_generation", "delete_input")


class RequestConflict(GatewayError):
    code = "request_conflict"
    status = 409
    title = "This request for credits is not open any more, or another one of its member is"
    operations = ("open_credit_request", "withdraw_credit_request", "grant_credit_request",
                  "refuse_credit_request")  # fmt: skip
    retry_safe = True


class VideoExpired(GatewayError):
    code = "video_expired"
    status = 410
    title = "The video is no longer available"
    retry_safe = True


class PreconditionFailed(GatewayError):
    code = "precondition_failed"
    status = 412
    title = "The file is not the requested version"
    retry_safe = True


class PayloadTooLarge(GatewayError):
    code = "payload_too_large"
    status = 413
    title = "The request body is too large"
    retry_safe = True


class UnsupportedEncoding(GatewayError):
    code = "unsupported_encoding"
    status = 415
    title = "The request body is compressed"
    retry_safe = True


class RangeNotSatisfiable(GatewayError):
    code = "range_not_satisfiable"
    status = 416
    title = "None of the requested ranges lies within the file"
    retry_safe = True


class InvalidRequest(GatewayError):
    code = "invalid_request"
    status = 422
    title = "The request is not valid"
    retry_safe = True


class MalformedJson(InvalidRequest):
    code = "malformed_json"
    title = "The request body is not a JSON object"
    of_bodies = True


class UnsupportedModel(InvalidRequest):
    code = "unsupported_model"
    title = "This feature and model are not offered"
    operations = ("create_feature",)


class NotOffered(InvalidRequest):
    """What another API can do and the upstream cannot: edits, uploads, sound. Or a model that was
    offered once."""

    code = "not_offered"
    title = "The upstream does not offer this"
    operations = ("retry_generation",)


class PriceUnknown(InvalidRequest):
    code = "price_unknown"
    title = "No price is configured for this request, so it cannot be admitted"
    operations = (*_ADMISSIONS, "estimate_generation")


class IdempotencyMismatch(InvalidRequest):
    code = "idempotency_mismatch"
    title = "This Idempotency-Key was used with another request body"
    operations = (
        *_CREATES, *KeyAlreadyMade.operations, "create_team", "create_member",
        "create_team_grant", "create_member_grant", "create_key_grant",
    )  # fmt: skip


class LimitReached(GatewayError):
    """A limit was reached. Nothing was used up; `extra` names the limit and its figure."""

    retry_safe = True


class InsufficientCredits(LimitReached):
    code = "insufficient_credits"
    status = 402
    title = "The credit limit does not cover this request"


class RateLimited(LimitReached):
    code = "rate_limited"
    status = 429
    title = "Too many requests"
    operations = _ADMISSIONS


class MaxOpenReached(LimitReached):
    code = "max_open_reached"
    status = 429
    title = "Too many generations are in progress"
    operations = _ADMISSIONS


class TooManyStreams(LimitReached):
    code = "too_many_streams"
    status = 429
    title = "Too many streams of events are open"
    operations = ("stream_events", "stream_generation_events")


class Unavailable(GatewayError):
    code = "unavailable"
    status = 503
    title = "The gateway cannot handle this request now"
    retry_safe = True
    #: There was no connection to the database, so nothing was asked of it.
    unasked = False


class Paused(Unavailable):
    code = "paused"
    title = "An operator has paused the gateway; it accepts no new generations for now"
    operations = _ADMISSIONS


class Internal(GatewayError):
    """A bug in the gateway."""


class ConfigurationError(Exception):
    """A setting that prevents the start. The message is one sentence that says what to set."""


@dataclass(frozen=True, slots=True)
class Rejections:
    """Collects issues, so that one answer names everything that is wrong."""

    issues: list[Issue] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether there are as many issues as an error shows, so that looking for more is
        pointless."""
        return len(self.issues) >= MAX_ISSUES

    def add(
        self, path: str, code: str, message: str, *, value: Any = None,
        allowed: Sequence[Any] | None = None,
    ) -> None:  # fmt: skip
        self.issues.append(Issue(path, code, message, value, allowed))


def sentence(error: GatewayError, *, listed_in: str = "errors") -> str:
    """A sentence for people. If the message only says that the request is invalid, it says what is
    wrong with it."""
    if error.issues and error.message == InvalidRequest.title:
        return summary(error.issues, listed_in=listed_in)
    return error.message


def summary(issues: Sequence[Issue], *, listed_in: str = "errors") -> str:
    """One sentence: the first issue, and how many more the body lists in `listed_in`."""
    first, more = issues[0], len(issues) - 1
    value = ""
    if first.code in ("value", "type"):
        value = f" (got {json.dumps(first.value, ensure_ascii=False)})"
    # Nobody looks for more than are shown.
    least = "at least " if len(issues) >= MAX_ISSUES else ""
    tail = f" (and {least}{more} more, see {listed_in})" if more else ""
    return f"{first.field}: {first.message}{value}{tail}."
