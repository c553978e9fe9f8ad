"""The upstream's JSON: renders requests and reads answers. Pure.

An answer is classified by its body; its HTTP status counts only if the body says nothing, because
the upstream reports failures with 200 and refusals with 500. Every doubt ends as `Lost` (on a
submission), which keeps the hold and is never resent, or as `Busy` (on a look-up), which is polled
again. A record with an id decides alone. On a look-up only a record can end a generation: a refused
look-up is `Busy`, since it says nothing about the video.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from app.domain.catalog.models import NO_UPLOADS, Model
from app.domain.catalog.spec import Spec
from app.domain.generation import FailureCode
from app.domain.storage_keys import storage_keys
from app.domain.upstream_keys import Figures
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
from app.upstream.errors import (
    DEFINITE_REFUSALS,
    PROVIDER_ERROR,
    ReportedError,
    bare,
    envelope,
    message_of_options,
    of_result,
    refusal_message,
    refused_fields,
)
from app.upstream.reply import Reply, read_id
from app.upstream.verbatim import verbatim

MAX_LINK_CHARS = 8192

#: Beyond it, a figure is nonsense: sums of them stay far below a bigint.
_MAX_CREDITS = 2**53
_PROCESSING, _SUCCESS = "PROCESSING", "SUCCESS"
_FAILURES = frozenset({"FAILED", "FAILURE", "ERROR"})
#: 4xx statuses after which the request may still have been processed, or may be sent again.
_OPEN_4XX = frozenset({408, 409, 425, 429, 499})
#: 4xx statuses that refuse the request, whatever the body says.
_CLOSED_4XX = frozenset({403, 404, 405, 406, 413, 414, 415})
#: 4xx statuses that refuse it if there is a message alone; a proxy in front of the upstream answers
#: with HTML.
_BARE_4XX = frozenset({400, 402, 422})

_Answer = TypeVar("_Answer", SubmitAnswer, ResultAnswer)


def request_body(
    model: Model, spec: Spec, *, run_async: bool, uploads: Mapping[str, str] = NO_UPLOADS
) -> dict[str, Any]:
    """The body of a submission. Options that the caller omitted stay omitted. `uploads` maps the
    ids of inputs to the paths that the upstream gave them."""
    body: dict[str, Any] = {
        "type": model.feature,
        "model": model.provider,
        "promptObject": model.prompt_object(spec, uploads),
    }
    if model.page.conversation:
        body["conversationId"] = model.feature
    return body | {"async": True} if run_async else body


def read_submission(status: int, headers: Mapping[str, str], body: bytes) -> SubmitAnswer:
    """The meaning of an answer to a submission. Never raises."""
    reply = Reply.of(status, headers, body)
    return _with_words(_submission(reply), reply)


def explained(answer: _Answer, options: Mapping[str, str]) -> _Answer:
    """The answer with the refused ones of the documented options in its message: `options` has
    words for each, by the upstream's names."""
    if not isinstance(answer, Failed) or answer.code is not FailureCode.UPSTREAM_REFUSED:
        return answer
    message = message_of_options(answer.refused, options)
    return answer if message is None else replace(answer, message=message)


def _submission(reply: Reply) -> SubmitAnswer:
    reported = envelope(reply.document)
    record = reply.record
    if record is not None and read_id(record.get("uuid")) is not None:
        return _submitted(record)
    if reply.challenged:
        return NotProcessed(reason="challenged", retry_after_seconds=reply.retry_after)
    if reported is not None and reported.out_of_credits:
        return _unpaid()
    if record is not None:
        return _submitted(record)
    if reply.redirected:
        return Lost(reason=reply.doubt)
    if reply.rejects_key(reported):
        return NotProcessed(reason="key_rejected", key_trouble=KeyTrouble.REJECTED)
    if reply.limits_rate(reported):
        return NotProcessed(reason="rate_limited", retry_after_seconds=reply.retry_after)
    return _refused(reply, reported)


def read_result(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    expected_id: str,
) -> ResultAnswer:
    """The meaning of an answer to a look-up of `expected_id`. Never raises."""
    reply = Reply.of(status, headers, body)
    return _with_words(_look_up(reply, expected_id), reply)


def _look_up(reply: Reply, expected_id: str) -> ResultAnswer:
    reported = envelope(reply.document)
    wait = reply.retry_after
    if reply.challenged:
        return Busy(reason="challenged", retry_after_seconds=wait)
    record = reply.record
    if record is not None:
        return _looked_up(record, expected_id)
    if reply.redirected:
        return Busy(reason=reply.doubt)
    if reported is not None and reported.out_of_credits:
        return Busy(reason="out_of_credits", key_trouble=KeyTrouble.OUT_OF_CREDITS)
    if reply.rejects_key(reported):
        return Busy(reason="key_rejected", key_trouble=KeyTrouble.REJECTED)
    if reply.limits_rate(reported):
        return Busy(reason="rate_limited", retry_after_seconds=wait)
    if reply.good and reported is None and reply.null_record:
        return Missing()
    return Busy(reason=reply.doubt, retry_after_seconds=wait)


def _with_words(answer: _Answer, reply: Reply) -> _Answer:
    """Adds what is for operators: the account's figures, and the upstream's own words unless they
    are those of every normal record."""
    if isinstance(answer, Missing | Busy):
        return answer
    if not isinstance(answer, Lost | NotProcessed):
        answer = replace(answer, figures=_figures(reply.record))
    if _is_plain(reply.record):
        return answer
    return replace(answer, verbatim=verbatim(reply.status, reply.document, reply.body))


def _is_plain(record: dict[str, Any] | None) -> bool:
    if record is None:
        return False
    result = _result(record)
    if record.get("status") == _PROCESSING:
        return not result and not record.get("temporaryUrl")
    return record.get("status") == _SUCCESS and list(storage_keys(_names(result))) == result


def _submitted(record: dict[str, Any]) -> SubmitAnswer:
    upstream_id = read_id(record.get("uuid"))
    outcome = _outcome(record, upstream_id)
    if isinstance(outcome, Unconfirmed):
        # A look-up would say the same, and nobody waits while the film is checked.
        outcome = None
    if outcome is None and upstream_id is None:
        return Lost(reason="no_id")
    if isinstance(outcome, Failed) and of_result(_result(record)).credits_code:
        return replace(_unpaid(), echo=outcome.echo)
    return outcome or Running(upstream_id=upstream_id or "", echo=_echo(record))


def _looked_up(record: dict[str, Any], expected_id: str) -> ResultAnswer:
    given = record.get("uuid")
    if given is not None and not _is_sameread_id(given, expected_id):
        # Another generation's record must never become this one's video.
        return Busy(reason="wrong_id")
    outcome = _outcome(record, expected_id)
    return outcome or Running(upstream_id=expected_id, echo=_echo(record))


def _is_sameread_id(given: Any, expected_id: str) -> bool:
    """A UUID is the same in either case."""
    return isinstance(given, str) and given.strip().lower() == expected_id.lower()


def _echo(record: dict[str, Any]) -> str | None:
    """The prompt that a record says it was made for."""
    detail = record.get("aiRecordDetail")
    request = detail.get("promptObject") if isinstance(detail, dict) else None
    echo = request.get("prompt") if isinstance(request, dict) else None
    return echo if isinstance(echo, str) else None


def _outcome(
    record: dict[str, Any], upstream_id: str | None
) -> Succeeded | Unconfirmed | Failed | None:
    """How a record ended; None if it has not ended, as far as can be told."""
    status = record.get("status")
    status = status.strip().upper() if isinstance(status, str) else ""
    result = _result(record)
    reported = of_result(result)
    if status in _FAILURES or reported.credits_code:
        failed = _failed(reported, upstream_id, _billed(record))
        return replace(failed, echo=_echo(record))
    if status == _PROCESSING:
        return None
    named = _names(result)
    link = _link(record.get("temporaryUrl")) or next(filter(None, map(_link, named)), None)
    if link is None and (status != _SUCCESS or not named):
        return None
    success = Succeeded(
        upstream_id=upstream_id,
        paths=storage_keys(named) or storage_keys([link or ""]),
        link=link,
        billed_credits=_billed(record),
        echo=_echo(record),
    )
    return success if status == _SUCCESS else Unconfirmed(success=success)


def _failed(reported: ReportedError, upstream_id: str | None, billed: int | None) -> Failed:
    """The failure of a record: the upstream processed the request and says that there is no
    video."""
    if reported.credits_code:
        code, message = FailureCode.UPSTREAM_REFUSED, "The upstream account is out of credits."
    elif reported.code in DEFINITE_REFUSALS:
        code, message = FailureCode.UPSTREAM_REFUSED, refusal_message(reported)
    elif reported.moderation:
        code = FailureCode.MODERATION_BLOCKED
        message = "The upstream's moderation blocked this request."
    else:
        code, message = FailureCode.UPSTREAM_FAILED, "The upstream failed to make the video."
    return Failed(
        code=code,
        message=message,
        upstream_id=upstream_id,
        billed_credits=billed,
        refused=refused_fields(reported),
    )


def _refused(reply: Reply, reported: ReportedError | None) -> SubmitAnswer:
    """An answer without a record: a refusal if it is definite, otherwise a doubt."""
    if reported is not None and reported.code == PROVIDER_ERROR:
        return _provider_refused(reported)
    closed = 400 <= reply.status < 500 and reply.status not in _OPEN_4XX
    if reported is None:
        reported = bare(reply.document) if reply.status in _BARE_4XX else None
        if reported is not None and reported.out_of_credits:
            return _unpaid()
        if reported is None and reply.status in _CLOSED_4XX:
            reported = ReportedError()
        if reported is None:
            return Lost(reason=reply.doubt)
    definite = reported.code in DEFINITE_REFUSALS
    blocked = not definite and (reported.moderation_code or (closed and reported.moderation))
    if blocked:
        return _failed(reported, None, None)
    if not (definite or closed):
        return Lost(reason=reply.doubt)
    return _refusal(reported)


def _provider_refused(reported: ReportedError) -> Failed:
    """The provider behind the upstream answered with an error, and its own status says which. By
    then the upstream had accepted the request and may have charged it, so it is not resent,
    whatever the provider said."""
    status = reported.provider_status or 500
    if status == 429:
        return Failed(
            code=FailureCode.UPSTREAM_FAILED,
            message=(
                "The provider behind the upstream was busy. You may try again as a new request."
            ),
        )
    if reported.moderation:
        return _failed(reported, None, None)
    if 400 <= status < 500:
        return _refusal(reported)
    return _failed(reported, None, None)


def _refusal(reported: ReportedError) -> Failed:
    return Failed(
        code=FailureCode.UPSTREAM_REFUSED,
        message=refusal_message(reported),
        refused=refused_fields(reported),
    )


def _unpaid() -> NotProcessed:
    return NotProcessed(reason="out_of_credits", key_trouble=KeyTrouble.OUT_OF_CREDITS)


def _figures(record: dict[str, Any] | None) -> Figures | None:
    """Those of `teamUser`. None unless both are whole numbers, as documented."""
    user = record.get("teamUser") if record is not None else None
    if not isinstance(user, dict):
        return None
    used, limit = _credits(user.get("usedCredit")), _credits(user.get("creditLimit"))
    return None if used is None or limit is None else Figures(used=used, credit_limit=limit)


def _credits(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < _MAX_CREDITS else None


def _billed(record: dict[str, Any]) -> int | None:
    metadata = record.get("metadata")
    credit = metadata.get("credit") if isinstance(metadata, dict) else None
    if not isinstance(credit, int) or isinstance(credit, bool):
        return None
    # A number beyond a bigint is not a price.
    return credit if 0 <= credit < 2**63 else None


def _result(record: dict[str, Any]) -> Any:
    detail = record.get("aiRecordDetail")
    return detail.get("resultObject") if isinstance(detail, dict) else None


def _names(result: Any) -> list[str]:
    """Everything in the place of a video's paths: each may be a path, or a link."""
    items = result if isinstance(result, list) else [result]
    return [item for item in items if isinstance(item, str) and _is_name(item)]


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_LINK_CHARS and text.isprintable() and " " not in text


def _link(value: Any) -> str | None:
    """A link that can be fetched. The fetcher decides whether it may be."""
    sound = isinstance(value, str) and re.fullmatch(r"https?://[!-~]+", value)
    return value if sound and len(value) <= MAX_LINK_CHARS else None
