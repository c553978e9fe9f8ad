"""Settings of people who are signed in to the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

_Seconds = Annotated[float, Field(gt=0, le=31_536_000)]


class SignedIn(BaseModel):
    """Signed-in people"""

    session_idle_seconds: _Seconds = Field(
        43_200, description="How long a signed-in browser may be silent before it must sign in."
    )
    session_seconds: _Seconds = Field(
        604_800, description="How long a signed-in browser may stay so, however much it is used."
    )
    session_recent_seconds: _Seconds = Field(
        600,
        description="How long after signing in a person may do what asks for signing in again.",
    )
    oidc_file: Path | None = Field(
        None,
        description="TOML file with the issuers of OpenID Connect that people may sign in with; "
        "docs/sign-in.md says what is in it. Unset: people sign in with a key.",
    )
