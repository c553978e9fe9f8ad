"""What the upstream does wrong in a run: every fault the simulator knows, with the options that
matter. Each fault is for one prompt, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.simulator.faults import ASSETS

#: Longer than a submission may take with a run's settings: the answer comes after the deadline.
TOO_LATE_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Fault:
    """`path` is where it happens: features, results, download or assets."""

    name: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        shown = ",".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.path}: {self.name}" + (f" ({shown})" if shown else "")

    def rule(self, prompt_contains: str) -> dict[str, Any]:
        """Uploads have no prompt: the next one meets the fault, whoever's it is."""
        match = {"path": self.path}
        return {
            "match": match
            if self.path == ASSETS
            else {**match, "prompt_contains": prompt_contains},
            "times": 1,
            "fault": {"name": self.name, **self.options},
        }


def _faults(path: str, *faults: str | tuple[str, dict[str, Any]]) -> tuple[Fault, ...]:
    return tuple(
        Fault(fault, path) if isinstance(fault, str) else Fault(fault[0], path, fault[1])
        for fault in faults
    )


SUBMISSION = _faults(
    "features",
    ("status", {"status": 500, "body": {"message": "nobody knows"}}),
    ("status", {"status": 307, "headers": {"Location": "http://169.254.169.254/"}}),
    ("status", {"status": 409}),
    "unsupported_model",
    "missing_fields",
    "validation",
    "unknown_error",
    "external_error",
    ("external_error", {"provider_status": 429}),
    ("external_error", {"provider_status": 500}),
    "key_deleted",
    "key_inactive",
    "insufficient_credits",
    ("insufficient_credits", {"form": "record", "status": 200}),
    "rate_limited",
    ("rate_limited", {"retry_after": 1.0}),
    ("rate_limited", {"bare": True}),
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_522",
    "http_524",
    "html_200",
    ("html_200", {"accepted": True}),
    "challenge_403",
    "not_acceptable_406",
    "reset_before",
    "reset_after",
    "half_body",
    ("slow_drip", {"seconds": 1.0}),
    ("slow_drip", {"seconds": 60.0}),
    ("hang", {"seconds": 60.0}),
    ("delay", {"seconds": 1.0}),
    ("delay", {"seconds": TOO_LATE_SECONDS}),
    "failed_200",
    ("failed_200", {"shape": "array"}),
    ("failed_200", {"shape": "string"}),
    ("failed_200", {"billed": True}),
    "fail_later",
    ("fail_later", {"shape": "array"}),
    ("fail_later", {"shape": "string"}),
    "never_finish",
    "turn_null",
    "unknown_status",
    "early_success",
    "same_uuid",
    "no_team_user",
)

LOOK_UP = _faults(
    "results",
    ("status", {"status": 500}),
    "unknown_error",
    "key_deleted",
    "rate_limited",
    ("rate_limited", {"retry_after": 1.0}),
    "http_502",
    "http_503",
    "http_522",
    "html_200",
    "challenge_403",
    "reset_before",
    "reset_after",
    "half_body",
    ("slow_drip", {"seconds": 1.0}),
    ("hang", {"seconds": 3.0}),
    ("delay", {"seconds": 2.0}),
    "turn_null",
    "unknown_status",
    "no_team_user",
)

DOWNLOAD = _faults(
    "download",
    ("status", {"status": 500}),
    "http_503",
    "reset_before",
    ("hang", {"seconds": 3.0}),
    ("delay", {"seconds": 1.0}),
    "link_gone",
    ("link_gone", {"status": 404}),
    "download_truncated",
    ("download_truncated", {"declared": "short"}),
    "download_endless",
    "download_not_mp4",
    "download_empty",
    "download_mismatch",
    ("download_redirect", {"location": "http://169.254.169.254/latest/meta-data"}),
    ("download_redirect", {"location": "file:///etc/passwd"}),
    "download_reset_midway",
    ("download_slow", {"seconds": 2.0}),
)

UPLOAD = _faults(
    ASSETS,
    ("status", {"status": 413}),
    ("status", {"status": 507}),
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_522",
    "http_524",
    "key_deleted",
    "key_inactive",
    "rate_limited",
    ("rate_limited", {"retry_after": 1.0}),
    ("rate_limited", {"bare": True}),
    "html_200",
    ("html_200", {"accepted": True}),
    "challenge_403",
    "reset_before",
    "reset_after",
    "half_body",
    ("slow_drip", {"seconds": 1.0}),
    ("hang", {"seconds": 60.0}),
    ("delay", {"seconds": 2.0}),
    ("delay", {"seconds": TOO_LATE_SECONDS}),
)

#: A video that is still on its way breaks off for its viewer too.
BREAKS_OFF = frozenset({"download_truncated", "download_endless", "download_reset_midway"})

EVERY = (*SUBMISSION, *LOOK_UP, *DOWNLOAD, *UPLOAD)

#: Outcomes in the simulator's books after which a submission may be sent again: it surely was not
#: processed.
NOT_PROCESSED = frozenset(
    {
        "rate_limited", "refused:RATE_LIMITED", "refused:HTTP_EXCEPTION", "key_deleted",
        "key_inactive", "insufficient_credits", "refused:INSUFFICIENT_CREDITS", "challenge_403",
    }
)  # fmt: skip
#: An error of the provider behind the upstream is only one of them where its own status was 429.
PROVIDER_LIMITED = Fault("external_error", "features", {"provider_status": 429})
