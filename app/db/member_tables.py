"""The tables of teams, members and their keys, as Alembic compares them; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.columns import created, credit_period, instant, metadata, one_of
from app.domain.accounts import Period

PERIODS = [period.value for period in Period]

teams = Table(
    "teams",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False, server_default="ACTIVE"),
    instant("ended_at"),
    # Null: only the limits of its members apply.
    Column("credit_limit", BigInteger),
    credit_period(),
    # In which the periods of its accounts begin: its own, and its members' and their keys'.
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    # Null: videos are kept for ever.
    Column("retention_days", Integer),
    # Without these tags nothing is admitted.
    Column("required_tags", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    created(),
    instant("updated_at", nullable=False, now=True),
    one_of("status", ["ACTIVE", "SUSPENDED"]),
    one_of("credit_period", PERIODS),
    CheckConstraint("credit_limit >= 0", name="credit_limit"),
    CheckConstraint("retention_days > 0", name="retention_days"),
)

members = Table(
    "members",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False, server_default="MEMBER"),
    Column("status", Text, nullable=False, server_default="ACTIVE"),
    # An ended member has no valid key and gets no other.
    instant("ended_at"),
    Column("credit_limit", BigInteger, nullable=False),
    credit_period(),
    Column("rate_per_minute", Integer, nullable=False),
    Column("rate_burst", Integer, nullable=False),
    Column("max_open", Integer, nullable=False),
    # The secret of callbacks is derived from the member's id, this seed and the signing secret.
    Column("callback_seed", Text, nullable=False, server_default=""),
    Column("previous_callback_seed", Text),
    instant("previous_callback_until"),
    created(),
    instant("updated_at", nullable=False, now=True),
    UniqueConstraint("team_id", "name"),
    one_of("role", ["ADMIN", "MEMBER"]),
    one_of("status", ["ACTIVE", "SUSPENDED"]),
    one_of("credit_period", PERIODS),
    CheckConstraint("credit_limit >= 0", name="credit_limit"),
    CheckConstraint("rate_per_minute > 0 AND rate_burst > 0", name="rate"),
    CheckConstraint("max_open > 0", name="max_open"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("member_id", ForeignKey("members.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    # The first characters, to tell keys apart; the key itself is kept only as its SHA-256.
    Column("prefix", Text, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    # Where its credits count: a key that replaces another one goes on in the account of that one.
    Column("account_id", Uuid, nullable=False, index=True),
    Column("scopes", ARRAY(Text), nullable=False,
           server_default=text("'{generate,read,team,operate}'")),
    # Null: every model, and every address.
    Column("models", ARRAY(Text)),
    Column("addresses", ARRAY(Text)),
    # Null: only the limits of its member and its team apply.
    Column("rate_per_minute", Integer),
    Column("rate_burst", Integer),
    Column("max_open", Integer),
    Column("credit_limit", BigInteger),
    credit_period(),
    created(),
    instant("expires_at"),
    instant("revoked_at"),
    # To the minute.
    instant("last_used_at"),
    one_of("credit_period", PERIODS),
    CheckConstraint("credit_limit >= 0", name="credit_limit"),
    CheckConstraint("rate_per_minute > 0", name="rate_per_minute"),
    CheckConstraint("rate_burst > 0", name="rate_burst"),
    CheckConstraint("(rate_per_minute IS NULL) = (rate_burst IS NULL)", name="rate"),
    CheckConstraint("max_open > 0", name="max_open"),
)  # fmt: skip

management_idempotency_keys = Table(
    "management_idempotency_keys",
    metadata,
    Column("member_id", ForeignKey("members.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("made_id", Uuid, nullable=False),
    instant("expires_at", nullable=False),
    Index("management_idempotency_keys_expires_idx", "expires_at"),
)

rate_states = Table(
    "rate_states",
    metadata,
    Column("member_id", ForeignKey("members.id", ondelete="CASCADE"), primary_key=True),
    # GCRA's theoretical arrival time; the row is also the member's admission lock.
    instant("arrival_at", nullable=False, now=True),
    postgresql_with={"fillfactor": 50},
)

key_rate_states = Table(
    "key_rate_states",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    instant("arrival_at", nullable=False),
    postgresql_with={"fillfactor": 50},
)
