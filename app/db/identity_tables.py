"""The tables of sign-in by OpenID Connect, as Alembic compares them; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from app.db.columns import created, instant, metadata

identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("team_id", ForeignKey("teams.id"), primary_key=True),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    # What its sessions act with. Nobody knows the secret of this key.
    Column("key_id", ForeignKey("api_keys.id")),
    # Whether it lasts without a group: an operator accepted the person, or it is the default.
    Column("lasting", Boolean, nullable=False),
    # Whether the last sign-in found a group that gives this team and the role.
    Column("grouped", Boolean, nullable=False),
    # When the last such group went away, and the member was suspended for it. Null once the member
    # is back, and once anybody decides about its status.
    instant("left_at"),
    created(),
    instant("signed_in_at"),
    Index("identities_member_idx", "member_id"),
    Index("identities_key_idx", "key_id"),
)

sign_in_requests = Table(
    "sign_in_requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("email_verified", Boolean),
    created(),
    instant("seen_at", nullable=False, now=True),
    instant("refused_at"),
    Column("refused_by", Text),
    Column("refusal", Text),
    UniqueConstraint("issuer", "subject"),
    Index("sign_in_requests_created_idx", "created_at", "id"),
    Index("sign_in_requests_seen_idx", "seen_at"),
)

used_sign_ins = Table(
    "used_sign_ins",
    metadata,
    # Answers of issuers that signed somebody in, so that none of them does twice.
    Column("state_sha256", LargeBinary, primary_key=True),
    instant("expires_at", nullable=False),
    Index("used_sign_ins_expires_idx", "expires_at"),
)
