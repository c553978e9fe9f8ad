"""The tables of inputs, as Alembic compares them; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from app.db.columns import created, instant, metadata, one_of
from app.domain.inputs import EXTENSIONS, InputState

inputs = Table(
    "inputs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("state", Text, nullable=False, server_default="pending"),
    # The uploader's own name of the file.
    Column("name", Text, nullable=False),
    # Where it is in the archive. A deleted one keeps it until its bytes are gone.
    Column("path", Text),
    Column("sha256", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    created(),
    # Deleted then, unless a generation keeps it.
    instant("expires_at", nullable=False),
    one_of("state", [state.value for state in InputState]),
    one_of("content_type", list(EXTENSIONS)),
    CheckConstraint("size_bytes > 0 AND width > 0 AND height > 0", name="size"),
    CheckConstraint("state = 'deleted' OR path IS NOT NULL", name="path"),
    Index("inputs_same_idx", "member_id", "sha256", unique=True,
          postgresql_where=text("state = 'ready'")),
    Index("inputs_member_idx", "member_id", text("created_at DESC"), text("id DESC"),
          postgresql_where=text("state <> 'deleted'")),
    Index("inputs_team_idx", "team_id", "sha256", postgresql_where=text("state = 'ready'")),
    Index("inputs_path_idx", "path", postgresql_where=text("path IS NOT NULL")),
    Index("inputs_expires_idx", "expires_at", postgresql_where=text("state <> 'deleted'")),
    Index("inputs_leftover_idx", "id",
          postgresql_where=text("state = 'deleted' AND path IS NOT NULL")),
)  # fmt: skip

upload_rate_states = Table(
    "upload_rate_states",
    metadata,
    Column("member_id", ForeignKey("members.id", ondelete="CASCADE"), primary_key=True),
    # GCRA's theoretical arrival time.
    instant("arrival_at", nullable=False),
    postgresql_with={"fillfactor": 50},
)

generation_inputs = Table(
    "generation_inputs",
    metadata,
    Column("generation_id", ForeignKey("generations.id"), primary_key=True),
    Column("input_id", ForeignKey("inputs.id"), primary_key=True),
    Column("team_id", Uuid, nullable=False),
    created(),
    # When its generation was deleted, or its team's retention was over.
    instant("released_at"),
    Index("generation_inputs_kept_idx", "input_id", postgresql_where=text("released_at IS NULL")),
    Index("generation_inputs_team_idx", "team_id", "created_at",
          postgresql_where=text("released_at IS NULL")),
)  # fmt: skip

input_uploads = Table(
    "input_uploads",
    metadata,
    Column("generation_id", Uuid, primary_key=True),
    Column("input_id", Uuid, primary_key=True),
    Column("upstream_key_id", ForeignKey("upstream_keys.id"), primary_key=True),
    # Null until an upload has succeeded.
    Column("upstream_path", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    instant("uploaded_at"),
    ForeignKeyConstraint(
        ["generation_id", "input_id"],
        ["generation_inputs.generation_id", "generation_inputs.input_id"],
    ),
)
