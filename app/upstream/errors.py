"""The upstream's errors, and what callers are told instead.

Three formats are known: `{"success": false, "error": {code, message, details}}`, `{errorCode,
message, details, context}`, and a failed record whose `resultObject` is an object, an array or a
string. Their text names the paying account's balance, the provider behind the upstream and its
addresses. So callers get our own sentences, chosen by the code. For a refusal, they learn which
documented options it was about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.catalog.catalog import Catalog

OUT_OF_CREDITS = "INSUFFICIENT_CREDITS"
RATE_LIMITED = "RATE_LIMITED"
PROVIDER_ERROR = "EXTERNAL_API_RESPONSE_WITH_ERROR"
KEY_REJECTIONS = frozenset({"UNAUTHORIZED", "INVALID_AUTH_TOKEN"})
VALIDATION_REFUSALS = frozenset(
    {
        "MISSING_REQUIRED_FIELDS",
        "REQUEST_BODY_VALIDATION_FAILED",
        "PROMPT_OBJECT_VALIDATION_FAILED",
        "INVALID_REQUEST",
        "UNPROCESSABLE_ENTITY",
    }
)
#: Codes that refuse a request before any work on it, under any HTTP status. UNKNOWN_ERROR is not
#: among them: it is a refusal only with its usual 4xx status.
DEFINITE_REFUSALS = VALIDATION_REFUSALS | {"UNSUPPORTED_MODEL"}

#: Python refuses to parse integers far longer than any of the upstream's.
MAX_INTEGER_CHARS = 100

_MODERATION_CODE = re.compile(
    r"MODERAT|CONTENT_(POLICY|FILTER|SAFETY)|PROHIBITED_CONTENT|SENSITIVE_CONTENT|NSFW"
    r"|POLICY_VIOLATION|SAFETY_"
)
_MODERATION_WORDS = re.compile(
    r"\b(content (moderation|policy|policies|filter)|moderation (system|policy|filter|check)"
    r"|moderated|nsfw|safety (system|filter|policy)|blocked by moderation|failed moderation"
    r"|violat\w+ .{0,40}polic(y|ies)|(sensitive|inappropriate|prohibited) content)\b",
    re.IGNORECASE,
)
_CREDIT_WORDS = re.compile(
    r"\brequires? .{0,40}\bcredits?\b.{0,80}\bonly has .{0,40}\bcredits?\b", re.IGNORECASE
)
#: Before the name of an option, where a refusal names the field of a request.
_OF_THE_PROMPT = "promptObject."
#: More than any page has.
_MOST_FIELDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedError:
    """`code` is upper case, empty if the upstream gave none. The rest is as it was sent."""

    code: str = ""
    message: str = ""
    details: Any = None

    @property
    def credits_code(self) -> bool:
        return self.code == OUT_OF_CREDITS

    @property
    def out_of_credits(self) -> bool:
        """By code or words, for an error envelope only, because a record's text may quote the
        prompt. The words count only without a code, since a refusal may quote it too."""
        return self.credits_code or (
            not self.code and _CREDIT_WORDS.search(self.message[:1000]) is not None
        )

    @property
    def moderation_code(self) -> bool:
        return _MODERATION_CODE.search(self.code[:100]) is not None

    @property
    def moderation(self) -> bool:
        if self.moderation_code:
            return True
        words = (self.message[:1000], _provider_words(self.details))
        return any(_MODERATION_WORDS.search(text) is not None for text in words)

    @property
    def provider_status(self) -> int | None:
        """The HTTP status of the provider behind the upstream, if it is reported."""
        status = _provider_response(self.details).get("status")
        if isinstance(status, str) and re.fullmatch(r"[1-5][0-9]{2}", status):
            return int(status)
        return status if isinstance(status, int) and 100 <= status <= 599 else None


def read_json(text: str) -> Any:
    """The JSON in `text`; raises ValueError or RecursionError. An absurdly long integer becomes a
    float, so that it costs nothing and is still not null."""
    return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INTEGER_CHARS else float(digits)


def envelope(document: Any) -> ReportedError | None:
    """The error of a document in one of the two error formats; None if it has neither."""
    if not isinstance(document, dict):
        return None
    code = document.get("errorCode")
    if isinstance(code, str) and code.strip():
        return _reported(code, document.get("message"), document.get("details"))
    error = document.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), str):
        return _reported(error["code"], error.get("message"), error.get("details"))
    return None


def bare(document: Any) -> ReportedError | None:
    """The error of `{message}` or `{statusCode, message, error}`, as a web framework refuses a
    body; None for anything else."""
    if not isinstance(document, dict) or "aiRecord" in document:
        return None
    message = document.get("message")
    if isinstance(message, list):
        message = "; ".join(text for text in message if isinstance(text, str))
    return _reported(None, message, None) if isinstance(message, str) else None


def of_result(result: Any) -> ReportedError:
    """The error in a record's `resultObject`, in any of its three formats."""
    if isinstance(result, list):
        result = next((item for item in result if isinstance(item, dict | str)), None)
    if isinstance(result, dict):
        code = result.get("code") or result.get("errorCode")
        return _reported(code, result.get("message"), result.get("details"))
    return _reported(None, result, None)


def words_of_options(catalog: Catalog) -> dict[str, str]:
    """The upstream's documented names of options, each with words that fit every dialect."""
    return {
        field.wire: "model" if field.name in model.fixed else field.name.replace("_", " ")
        for model in catalog.models.values()
        for field in model.page.fields
    }


def refusal_message(reported: ReportedError) -> str:
    """One sentence for a caller whose request was refused."""
    if reported.code == "UNSUPPORTED_MODEL":
        return "The upstream does not offer this model for this feature."
    if reported.code == PROVIDER_ERROR:
        return "The provider behind the upstream refused the request."
    if reported.code in VALIDATION_REFUSALS:
        return "The upstream refused the request as not valid."
    return "The upstream refused the request."


def refused_fields(reported: ReportedError) -> tuple[str, ...]:
    """The fields of promptObject that a refusal of the request's format names. They are the
    upstream's words, until they are compared with the documented ones."""
    if reported.code not in VALIDATION_REFUSALS:
        return ()
    details = reported.details
    entries = details if isinstance(details, list) else [details]
    named = [entry.get("field") for entry in entries[:_MOST_FIELDS] if isinstance(entry, dict)]
    return tuple(
        name.removeprefix(_OF_THE_PROMPT)
        for name in named
        if isinstance(name, str) and name.startswith(_OF_THE_PROMPT)
    )


def message_of_options(refused: Collection[str], options: Mapping[str, str]) -> str | None:
    """One sentence that names the refused ones of the documented `options`, in their order, and
    nothing else; None if there are none."""
    named = dict.fromkeys(said for wire, said in options.items() if wire in refused)
    if not named:
        return None
    return f"The upstream refused these options of the request: {', '.join(named)}."


def _reported(code: Any, message: Any, details: Any) -> ReportedError:
    return ReportedError(
        code=code.strip().upper() if isinstance(code, str) else "",
        message=message if isinstance(message, str) else "",
        details=_unpacked(details),
    )


def _unpacked(details: Any) -> Any:
    """Details are often JSON encoded in a JSON string."""
    if not isinstance(details, str):
        return details
    try:
        return read_json(details)
    except (ValueError, RecursionError):
        return None


def _provider_response(details: Any) -> dict[str, Any]:
    if not isinstance(details, dict):
        return {}
    response = _unpacked(details.get("response"))
    return response if isinstance(response, dict) else {}


def _provider_words(details: Any) -> str:
    """The text of the provider's answer. The request beside it contains the prompt, so it is not
    searched."""
    try:
        return json.dumps(_provider_response(details), ensure_ascii=False)[:4000]
    except (ValueError, RecursionError):
        return ""
