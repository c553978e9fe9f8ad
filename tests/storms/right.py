"""What may become of a video whose upstream does this or that.

The money decides. Where the answer to a create can be read, the video is followed; where it cannot,
or where two readers may read it differently, it is unknown and its credits stay set aside. A look
or a download that fails is tried again, and costs nobody a video.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from tests.standin.oddities import (
    ODDITIES,
    connections,
    documents,
    downloads,
    echoes,
    framing,
    heads,
    informational,
    packing,
    redirects,
    refusals,
    results,
    states,
)

SUCCEEDED, FAILED, UNKNOWN = "succeeded", "failed", "unknown"
Ends = frozenset[str]

FINE: Ends = frozenset({SUCCEEDED})
LOST: Ends = frozenset({UNKNOWN})
REFUSED: Ends = frozenset({FAILED})
#: It can be read, and need not be.
EITHER = FINE | LOST
#: A refusal by its looks, though it was billed.
DOUBTFUL = LOST | REFUSED


@dataclass(frozen=True, slots=True)
class Kind:
    """Oddities of one file: what is right for most of them, and for the others."""

    file: ModuleType
    most: Ends
    others: Mapping[str, Ends]

    @property
    def names(self) -> list[str]:
        return [oddity.name for oddity in self.file.ODDITIES]

    def right(self, name: str) -> Ends:
        return self.others.get(name, self.most)


def _each(ends: Ends, *names: str) -> dict[str, Ends]:
    return dict.fromkeys(names, ends)


def _starting(prefix: str, ends: Ends, file: ModuleType) -> dict[str, Ends]:
    names = [oddity.name for oddity in file.ODDITIES if oddity.name.startswith(prefix)]
    return dict.fromkeys(names, ends)


def _ending(suffix: str, ends: Ends, file: ModuleType) -> dict[str, Ends]:
    names = [oddity.name for oddity in file.ODDITIES if oddity.name.endswith(suffix)]
    return dict.fromkeys(names, ends)


#: As the answer to a create.
POSTS = {
    "heads": Kind(heads, FINE, {
        **_each(EITHER, "header_of_1_mb", "headers_2000", "header_without_colon",
                "header_without_name", "header_with_space", "header_with_nul", "header_with_cr",
                "reason_of_4_kb", "status_999", "status_20", "version_2", "bare_line_feeds",
                "content_type_html", "charset_unknown"),
        **_each(LOST, "status_word", "no_http"),
    }),
    "informational": Kind(informational, FINE, {
        **_each(EITHER, "informational_5000", "informational_with_length", "switching_protocols"),
        **_each(LOST, "informational_only"),
    }),
    "framing": Kind(framing, EITHER, {
        **_each(FINE, "close_without_length", "close_without_length_1_0", "chunked",
                "chunk_extensions", "chunks_of_one_byte", "chunk_zeroes", "chunk_trailers",
                "length_twice", "two_answers", "bytes_behind", "kept_alive_and_closed"),
        **_each(LOST, "chunk_size_word", "chunk_size_negative", "chunk_size_huge", "chunks_cut"),
    }),
    "packing": Kind(packing, EITHER, {
        **_each(FINE, "gzip", "identity"),
        **_each(LOST, "gzip_of_nothing", "gzip_bomb", "gzip_gzip_bomb", "gzip_hundred_times"),
    }),
    "documents": Kind(documents, FINE, {
        **_each(EITHER, "utf_16", "utf_32", "byte_invalid", "line_before", "document_twice",
                "trailing_comma", "record_twice", "record_twice_then_null", "uuid_twice",
                "nested_200000", "padded_16_mb", "number_of_10000_digits", "record_bare",
                "record_wrapped", "record_in_a_string", "without_status"),
        **_starting("body_", LOST, documents),
        **_each(LOST, "record_null", "record_list", "record_empty", "without_uuid"),
        **_starting("uuid_n", LOST, documents),
        **_each(LOST, "uuid_list", "uuid_of_100_kb", "uuid_with_nul"),
    }),
    "redirects": Kind(redirects, FINE, {
        **_each(EITHER, "redirect_long"), **_ending("_lost", LOST, redirects),
    }),
    "refusals": Kind(refusals, LOST, {
        **_starting("bare_", REFUSED, refusals),
        **_each(REFUSED, "message_422", "chat_422", "owner_422", "unsupported_model",
                "failed_and_named"),
        **_each(DOUBTFUL, "conflict_409", "unknown_400", "provider_500"),
        **_starting("limited", FINE, refusals),
        **_starting("record_with_2", FINE, refusals),
        **_starting("record_with_5", EITHER, refusals),
    }),
    "states": Kind(states, FINE, {
        **_each(EITHER, "pending_said_to_be_success", "success_said_to_be_processing"),
        **_each(LOST, "never_ready"), **_starting("failure", REFUSED, states),
        **_each(DOUBTFUL, "failure_unheard_of", "failure_of_1_mb"),
    }),
    "echoes": Kind(echoes, FINE, {
        **_starting("failure_echo", REFUSED, echoes),
        **_each(LOST, "echo_of_another", "record_of_another", "failure_of_another",
                "uuid_of_another", "uuid_of_nobody"),
        **_each(EITHER, "uuid_in_braces", "uuid_without_dashes", "uuid_spaced"),
    }),
    "connections": Kind(connections, LOST, {
        **_each(FINE, "late", "in_pieces", "half_closed"), **_each(EITHER, "reset_behind_body"),
    }),
}  # fmt: skip

#: As the answer to every look at a video that is ready, where that is another question than a
#: look that fails once.
LOOKS = {
    "states": Kind(states, FINE, {
        **_each(EITHER, "success_said_to_be_processing"), **_starting("failure", REFUSED, states),
        **_each(DOUBTFUL, "failure_unheard_of", "failure_of_1_mb"),
    }),
    "echoes": Kind(echoes, FINE, {
        **_starting("failure_echo", REFUSED, echoes),
        **_each(LOST, "echo_of_another", "record_of_another", "failure_of_another",
                "uuid_of_nobody"),
        **_each(EITHER, "uuid_in_braces", "uuid_without_dashes", "uuid_spaced"),
    }),
    "results": Kind(results, FINE, {
        **_each(EITHER, "path_text", "path_object", "paths_none", "paths_of_numbers"),
        **_starting("link_", EITHER, results),
    }),
}  # fmt: skip

#: Where the create is held, its answer is the video, whatever id it has.
HELD = frozenset(
    {
        "without_uuid", "uuid_number", "uuid_null", "uuid_list", "uuid_no_uuid", "uuid_of_100_kb",
        "uuid_with_nul", "uuid_of_nobody",
    }
)  # fmt: skip

#: Once: the next one is whole.
DOWNLOADS = Kind(downloads, FINE, {})
#: Of these: they last longer than a storm, and whose film a whole one is, no bytes tell.
LEFT_OUT = frozenset({"film_byte_by_byte", "film_endless", "film_of_another"})


def every_name() -> set[str]:
    return {name for kind in (*POSTS.values(), *LOOKS.values(), DOWNLOADS) for name in kind.names}


assert every_name() == ODDITIES.keys()
