"""The tables of the ledger and what belongs to it, as Alembic compares them; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.columns import created, instant, metadata, one_of
from app.domain.accounts import AccountKind, Period
from app.domain.credit_requests import RequestState

grants = Table(
    "grants",
    metadata,
    Column("id", Uuid, primary_key=True),
    # A key's, a member's or a team's.
    Column("account_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    # Whose account it is, or whose member's or key's.
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    # It counts from the one instant to the other; infinity: for ever.
    instant("created_at", nullable=False),
    instant("ends_at", nullable=False),
    one_of("kind", [kind.value for kind in AccountKind]),
    CheckConstraint("credits > 0", name="credits"),
    CheckConstraint("ends_at > created_at", name="ends_at"),
    # For what counts at an instant: few grants of an account end after it.
    Index("grants_account_idx", "account_id", "ends_at"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("generation_id", ForeignKey("generations.id"), nullable=False),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("api_key_id", ForeignKey("api_keys.id"), nullable=False),
    Column("kind", Text, nullable=False),
    # What it adds to the balances; the end of a hold takes away what was held.
    Column("held", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    # Its period: when the generation was admitted, whenever it ended.
    instant("counts_at", nullable=False),
    created(),
    # Of a correction: why, and whose.
    Column("reason", Text),
    Column("actor", Text),
    CheckConstraint("ledger_entry_is_sound(kind, held, settled, reason, actor)", name="sound"),
    # Each generation has at most one hold, and one end of it; what it cost may be corrected after.
    Index("ledger_entries_hold_idx", "generation_id", unique=True,
          postgresql_where=text("kind = 'hold'")),
    Index("ledger_entries_end_idx", "generation_id", unique=True,
          postgresql_where=text("kind IN ('settle', 'release')")),
    Index("ledger_entries_correct_idx", "generation_id", "id",
          postgresql_where=text("kind = 'correct'")),
    Index("ledger_entries_member_idx", "member_id", "id"),
)  # fmt: skip

balances = Table(
    "balances",
    metadata,
    # A key, a member or a team.
    Column("account_id", Uuid, primary_key=True),
    # The first day of the period in the team's time zone; -infinity for one that never ends.
    Column("period_on", Date, primary_key=True),
    # Whose use it is. What a team used stands in one row for each member.
    Column("member_id", ForeignKey("members.id"), primary_key=True),
    Column("held", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    CheckConstraint("held >= 0", name="held"),
    CheckConstraint("settled >= 0", name="settled"),
    postgresql_with={"fillfactor": 50},
)

notices = Table(
    "notices",
    metadata,
    Column("id", Uuid, primary_key=True),
    # A key's, a member's or a team's, in the period that begins on this day.
    Column("account_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    # Whose account it is, or whose member's or key's.
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    # Null for a team's.
    Column("member_id", ForeignKey("members.id")),
    Column("period", Text, nullable=False),
    Column("period_on", Date, nullable=False),
    # So much of its limit was used when this was written.
    Column("percent", Integer, nullable=False),
    # What its readers are told: names, and the figures of that moment.
    Column("data", JSONB, nullable=False),
    instant("created_at", nullable=False),
    one_of("kind", [kind.value for kind in AccountKind]),
    one_of("period", [period.value for period in Period]),
    CheckConstraint("percent BETWEEN 1 AND 100", name="percent"),
    # Each is told once.
    UniqueConstraint("account_id", "period", "period_on", "percent"),
    Index("notices_member_idx", "member_id"),
    Index("notices_team_idx", "team_id"),
    Index("notices_created_idx", "created_at"),
)

credit_requests = Table(
    "credit_requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    # The member's own, or a key's.
    Column("account_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    # What is asked for, and why. Null: until the period of the account ends.
    Column("credits", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    instant("ends_at"),
    Column("state", Text, nullable=False, server_default="open"),
    instant("created_at", nullable=False),
    # Null while it is open; `decision` is the reason that was given.
    instant("decided_at"),
    Column("decided_by", Text),
    Column("decision", Text),
    Column("grant_id", ForeignKey("grants.id"), unique=True),
    one_of("kind", [AccountKind.KEY.value, AccountKind.MEMBER.value]),
    one_of("state", [state.value for state in RequestState]),
    CheckConstraint("credits > 0", name="credits"),
    CheckConstraint("(decided_at IS NULL) = (state = 'open')"
                    " AND (decided_by IS NULL) = (state = 'open')"
                    " AND (grant_id IS NOT NULL) = (state = 'granted')", name="decided"),
    # Each member has at most one that is open.
    Index("credit_requests_open_idx", "member_id", unique=True,
          postgresql_where=text("state = 'open'")),
    Index("credit_requests_member_idx", "member_id", "created_at"),
    Index("credit_requests_team_idx", "team_id", "created_at"),
    Index("credit_requests_created_idx", "created_at"),
)  # fmt: skip
