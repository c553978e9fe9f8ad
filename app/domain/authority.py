"""Who may change whom. Pure: every rule about roles is here, and the use cases ask.

At the command line, and for the gateway itself, everything is allowed: whoever gets there has the
database. Of those who call the API, **operators** are the administrators of the operators' team and
manage everybody; **administrators** of another team manage its members; a **member** manages its
own keys. Nobody manages themself, nor those of their own rank, except that operators manage each
other: the limits of an operator are changed by another one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from app.domain.caller import Caller, Role
from app.domain.keys import Scope
from app.errors import Forbidden, InvalidRequest, Issue

#: What those are told who may not.
OPERATORS_ONLY = (
    "Only administrators of the operators' team may do that: the team that "
    "REELGATE_OPERATOR_TEAM names."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, and why. `caller` is None at the command line and for the gateway itself, which
    `name` then names."""

    name: str
    reason: str | None = None
    caller: Caller | None = None
    operates: bool = False

    @classmethod
    def calling(cls, caller: Caller, *, operator_team: str) -> Actor:
        is_operator = caller.role is Role.ADMIN and caller.team_name == operator_team
        operates = is_operator and caller.has(Scope.OPERATE)
        return cls(name=caller.actor, caller=caller, operates=operates)

    def because(self, reason: str | None) -> Actor:
        return replace(self, reason=reason)

    def as_member(self) -> Actor:
        """For what is the caller's own, whatever its role."""
        if self.caller is None:
            return self
        return replace(self, operates=False, caller=replace(self.caller, role=Role.MEMBER))

    @property
    def unbound(self) -> bool:
        """Whether it may act on all teams."""
        return self.caller is None or self.operates

    @property
    def only_team(self) -> UUID | None:
        """The one team that it may look at; None: all of them."""
        return None if self.caller is None or self.operates else self.caller.team_id

    def manages(self, team_id: UUID) -> bool:
        """Whether the team is under its eyes. One that is not answers like one that is not
        there."""
        if self.caller is None or self.operates:
            return True
        return self.caller.is_admin and self.caller.team_id == team_id

    def is_member(self, member_id: UUID) -> bool:
        return self.caller is not None and self.caller.member_id == member_id

    def require_manager(self) -> None:
        """Raises `Forbidden` to plain members."""
        if not self.unbound and not (self.caller and self.caller.is_admin):
            raise Forbidden("Only administrators of a team, and operators, may do that.")

    def require_operator(self) -> None:
        """Raises `Forbidden`."""
        if not self.unbound:
            raise Forbidden(OPERATORS_ONLY)

    def require_reason(self, deed: str) -> None:
        """Raises `InvalidRequest` without a reason. `deed` ends a sentence: `to end a team`."""
        if not (self.reason or "").strip():
            message = f"is required {deed}; the audit log keeps it"
            raise InvalidRequest(issues=[Issue("reason", "missing", message)])

    def require_another(self, member_id: UUID) -> None:
        """Raises `Forbidden` if this is the caller."""
        if self.is_member(member_id):
            whose = "another operator" if self.operates else "whoever ranks above them"
            raise Forbidden(
                f"Nobody changes, suspends or ends themself: {whose} does, or the command line."
            )

    def require_above(self, member_id: UUID, role: Role) -> None:
        """For deeds on a member of a team that it manages. Raises `Forbidden` unless it ranks above
        this member."""
        self.require_manager()
        self.require_another(member_id)
        if not self.unbound and role is Role.ADMIN:
            raise Forbidden("Only operators change what an administrator of a team is or has.")

    def require_keys_of(self, member_id: UUID, role: Role) -> None:
        """Raises `Forbidden` unless the keys are its own, or those of somebody below it."""
        if not self.is_member(member_id):
            self.require_above(member_id, role)

    def require_raise(self, member_id: UUID, *, limited: bool) -> None:
        """Whether it may raise or remove the credit limit of a key of this member, calling with a
        key that is `limited` itself. Raises `Forbidden` and `InvalidRequest`."""
        if self.is_member(member_id):
            if limited:
                raise Forbidden("A key with a credit limit raises no limit of its member's keys.")
            self.require_manager()
        self.require_reason("to raise a limit")
