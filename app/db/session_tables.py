"""The tables of signed-in browsers, as Alembic compares them; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text, Uuid

from app.db.columns import created, instant, metadata, one_of
from app.domain.sessions import Method

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    # It acts with this key, and ends with it.
    Column("key_id", ForeignKey("api_keys.id"), nullable=False, index=True),
    # The secret itself is only in the browser's cookie.
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    # How the person signed in.
    Column("method", Text, nullable=False),
    # Where it was begun.
    Column("address", Text),
    Column("browser", Text),
    created(),
    # To the minute. It ends when it has not been seen for long.
    instant("seen_at", nullable=False, now=True),
    # When the person last proved who it is.
    instant("recent_auth_at", nullable=False, now=True),
    # It ends then, however much it is used.
    instant("expires_at", nullable=False),
    # By its person, or because its member or team was suspended.
    instant("ended_at"),
    one_of("method", [method.value for method in Method]),
    Index("sessions_expires_idx", "expires_at"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("secret_sha256", LargeBinary, primary_key=True),
    # The session that it opens acts with this key.
    Column("key_id", ForeignKey("api_keys.id"), nullable=False),
    instant("expires_at", nullable=False),
)
