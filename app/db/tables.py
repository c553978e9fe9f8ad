"""The schema as Alembic compares it. The schema itself is made only by `migrations/`.

Instants are `timestamptz`; credits are `bigint` and never negative. Enumerations are text with a
check, so that a new value is one cheap migration.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

# The rest of the schema.
from app.db import billing_tables as billing_tables
from app.db import favorite_tables as favorite_tables
from app.db import identity_tables as identity_tables
from app.db import input_tables as input_tables
from app.db import member_tables as member_tables
from app.db import operator_tables as operator_tables
from app.db import price_tables as price_tables
from app.db import session_tables as session_tables
from app.db import share_tables as share_tables
from app.db import statement_tables as statement_tables
from app.db import upstream_tables as upstream_tables
from app.db import usage_tables as usage_tables
from app.db import webhook_tables as webhook_tables
from app.db.columns import created, instant, metadata, one_of
from app.domain.assets import AssetState

generations = Table(
    "generations",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Its hold in the ledger refers to them.
    Column("team_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("api_key_id", Uuid, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("feature", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("spec", JSONB, nullable=False),
    # What it is counted by: the model of the Spec, and what takes about as long.
    Column("model", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # Finds echoes of the prompt: domain/prompts.py.
    Column("prompt_head", BigInteger),
    Column("prompt_digest", BigInteger),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("quote", BigInteger, nullable=False),
    # Of `prices`; null for the default. No reference: it would lock the price for every create, and
    # prices are never deleted.
    Column("price_id", Uuid),
    Column("settled", BigInteger),
    # The current or latest attempt: only its worker may record the result.
    Column("attempt", Uuid),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("upstream_key_id", ForeignKey("upstream_keys.id")),
    Column("upstream_id", Text),
    Column("polls", Integer, nullable=False, server_default="0"),
    Column("result_paths", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("unknown_reason", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    # The upstream's latest answer in its own words: for operators only.
    Column("upstream_answer", Text),
    # The caller's own words for names and sizes, for dialects that repeat them in responses.
    Column("echo", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("remixed_from", Uuid),
    Column("callback_url", Text),
    # Whom it is for, in the caller's own words.
    Column("end_user", Text),
    # Its tags: strings by key.
    Column("metadata", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # What its inputs are, also after they are deleted.
    Column("inputs", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    # A digest of what the caller wrote, with its own words for images; null without images.
    Column("written", LargeBinary),
    # The first and the latest attempt of an SDK's call for this generation, counted from 0; null if
    # no SDK counted.
    Column("sdk_first", Integer),
    Column("sdk_last", Integer),
    instant("sdk_last_at"),
    created(),
    instant("queue_deadline_at", nullable=False),
    instant("submitted_at"),
    instant("running_at"),
    instant("finished_at"),
    CheckConstraint(
        "generation_is_sound(state, quote, settled, upstream_id, finished_at)", name="sound"
    ),
    # No two generations have the same upstream record.
    Index("generations_upstream_idx", text("lower(upstream_id)"), unique=True,
          postgresql_where=text("upstream_id IS NOT NULL")),
    Index("generations_prompt_idx", "prompt_head", "prompt_digest"),
    Index("generations_member_idx", "member_id", text("created_at DESC"), text("id DESC")),
    Index("generations_team_idx", "team_id", text("created_at DESC"), text("id DESC")),
    Index("generations_end_user_idx", "team_id", "end_user", text("created_at DESC"),
          text("id DESC"), postgresql_where=text("end_user IS NOT NULL")),
    Index("generations_metadata_idx", "metadata", postgresql_using="gin",
          postgresql_ops={"metadata": "jsonb_path_ops"}, postgresql_where=text("metadata <> '{}'")),
    Index("generations_submitting_idx", "upstream_key_id", "submitted_at",
          postgresql_where=text("state = 'submitting'")),
    # Few, however long the past is: how many a member has open, and what is in progress or unknown.
    Index("generations_unfinished_idx", "state", "member_id",
          postgresql_where=text("state IN ('queued', 'submitting', 'running', 'unknown')")),
    Index("generations_history_idx", "kind", text("finished_at DESC"),
          postgresql_where=text("state = 'succeeded'")),
)  # fmt: skip

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("member_id", ForeignKey("members.id", ondelete="CASCADE"), primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("generation_id", ForeignKey("generations.id"), nullable=False),
    created(),
    instant("expires_at", nullable=False),
    Index("idempotency_keys_expires_idx", "expires_at"),
)

# Creates of SDKs that repeat a create without marking it. Until a call is answered in full, the
# same request of the same key joins it.
unmarked_calls = Table(
    "unmarked_calls",
    metadata,
    Column("api_key_id", ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    Column("fingerprint", LargeBinary, primary_key=True),
    Column("written", LargeBinary),
    Column("generation_id", ForeignKey("generations.id"), nullable=False, unique=True),
    instant("created_at", nullable=False),
    instant("answered_at"),
    Index("unmarked_calls_created_idx", "created_at"),
)

assets = Table(
    "assets",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("generation_id", ForeignKey("generations.id"), nullable=False),
    # Its generation's.
    Column("team_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="pending"),
    # A presigned link: kept only until the file is archived, and shown to nobody.
    Column("source_link", Text),
    instant("source_expires_at"),
    Column("path", Text),
    Column("content_type", Text, nullable=False, server_default="video/mp4"),
    Column("size_bytes", BigInteger),
    Column("sha256", Text),
    Column("duration_seconds", Float),
    Column("width", Integer),
    Column("height", Integer),
    Column("codec", Text),
    Column("mismatch", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    # How many reads of the file in a row have begun without ending.
    Column("unfinished_reads", Integer, nullable=False, server_default="0"),
    created(),
    instant("archived_at"),
    UniqueConstraint("generation_id", "kind"),
    one_of("kind", ["video", "thumbnail"]),
    one_of("state", [state.value for state in AssetState]),
    CheckConstraint(
        "state NOT IN ('archived', 'set_aside')"
        " OR (path IS NOT NULL AND sha256 IS NOT NULL AND size_bytes > 0)",
        name="archived",
    ),
    # Not safely in the archive.
    Index(
        "assets_unarchived_idx",
        "created_at",
        postgresql_where=text("state IN ('pending', 'set_aside', 'lost')"),
    ),
    # Finds what is past a team's retention.
    Index(
        "assets_archived_idx", "team_id", "archived_at", postgresql_where=text("state = 'archived'")
    ),
    # A deleted file keeps its path until its bytes are gone.
    Index(
        "assets_leftover_idx", "id", postgresql_where=text("state = 'deleted' AND path IS NOT NULL")
    ),
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # Null: it is about credits, and `data` is what its readers are told.
    Column("generation_id", Uuid, index=True),
    # Those of its generation, or of whose credits it tells.
    Column("team_id", Uuid, nullable=False),
    # Null: it is the team's.
    Column("member_id", Uuid),
    Column("type", Text, nullable=False),
    Column("data", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    created(),
    # Ids are assigned when a row is written; rows become visible when they are committed. In the
    # order of (txid, id), nothing new can appear below the oldest running transaction.
    Column("txid", BigInteger, nullable=False,
           server_default=text("(pg_current_xact_id()::text)::bigint")),
    Index("events_member_idx", "member_id", "txid", "id"),
    Index("events_team_idx", "team_id", "txid", "id", postgresql_where=text("member_id IS NULL")),
    Index("events_order_idx", "txid", "id"),
    CheckConstraint("generation_id IS NULL OR member_id IS NOT NULL", name="whose"),
)  # fmt: skip
