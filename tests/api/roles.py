"""Every route of those who manage the gateway, a team or their own keys, and what each role is
answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Nobody; a member of the team; its administrator; another team's; an operator.
ROLES = ("anonymous", "member", "lead", "stranger", "operator")


@dataclass(frozen=True, slots=True)
class Case:
    """`statuses` in the order of `ROLES`. The ids in `path` are those of the team, of a member of
    it, `subject`, and of a key, a queued generation, an
    endpoint and a failed delivery of this member."""

    method: str
    path: str
    body: Any
    statuses: str


_WHY = {"reason": "odd"}
_MORE = {"credits": 5, **_WHY}
_NOWHERE = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
_TEAM = "/admin/teams/{team}"
_KEY = "/admin/keys/{key}"
_HOOKS = f"{_TEAM}/webhooks"
_GENERATION = "/admin/generations/{generation}"
_MONTH = f"{_TEAM}/statements/2026-01"
_REQUEST = "/admin/credit-requests/{request}"
_SIGN_IN = f"/admin/sign-in-requests/{_NOWHERE}"
_MEMBER = f"{_TEAM}/members/{{subject}}"

#: By the names of the routes.
CASES = {
    "list_pauses": Case("GET", "/admin/pauses", None, "401 403 403 403 200"),
    "pause_gateway": Case(
        "POST", "/admin/pauses/submission/pause", _WHY, "401 403 403 403 200"
    ),
    "resume_gateway": Case(
        "POST", "/admin/pauses/submission/resume", _WHY, "401 403 403 403 200"
    ),
    "list_upstream_keys": Case("GET", "/admin/upstream-keys", None, "401 403 403 403 200"),
    "list_upstream_watermarks": Case(
        "GET", "/admin/upstream-keys/none/watermarks", None, "401 403 403 403 404"
    ),
    "test_upstream_key": Case(
        "POST", "/admin/upstream-keys/none/test", None, "401 403 403 403 404"
    ),
    "pause_upstream_key": Case(
        "POST", "/admin/upstream-keys/none/pause", _WHY, "401 403 403 403 404"
    ),
    "return_upstream_key": Case(
        "POST", "/admin/upstream-keys/none/return", _WHY, "401 403 403 403 404"
    ),
    "list_managed_models": Case("GET", "/admin/models", None, "401 403 403 403 200"),
    "list_managed_generations": Case("GET", "/admin/generations", None, "401 403 200 200 200"),
    "get_generation_story": Case("GET", _GENERATION, None, "401 403 200 404 200"),
    "cancel_managed_generation": Case(
        "POST", f"{_GENERATION}/cancel", _WHY, "401 403 200 404 200"
    ),
    "retry_archiving": Case(
        "POST", f"{_GENERATION}/retry-archiving", None, "401 403 409 404 409"
    ),
    "accept_file": Case(
        "POST", f"/admin/generations/{_NOWHERE}/accept-file", None, "401 403 403 403 404"
    ),
    "get_overview": Case("GET", "/admin/overview", None, "401 403 200 200 200"),
    "list_managed_endpoints": Case(
        "GET", "/admin/webhooks/endpoints?team_id={team}", None, "401 403 200 404 200"
    ),
    "list_managed_deliveries": Case(
        "GET", "/admin/webhooks/deliveries?team_id={team}", None, "401 403 200 404 200"
    ),
    "list_team_endpoints": Case("GET", f"{_HOOKS}/endpoints", None, "401 403 200 404 200"),
    "list_team_deliveries": Case("GET", f"{_HOOKS}/deliveries", None, "401 403 200 404 200"),
    "resend_failed_deliveries": Case("POST", f"{_HOOKS}/resend", {}, "401 403 202 404 202"),
    "disable_endpoint": Case(
        "POST", "/admin/webhooks/endpoints/{endpoint}/disable", _WHY, "401 403 200 404 200"
    ),
    "enable_endpoint": Case(
        "POST", "/admin/webhooks/endpoints/{endpoint}/enable", None, "401 403 422 404 422"
    ),
    "get_team_delivery": Case(
        "GET", "/admin/webhooks/deliveries/{delivery}", None, "401 403 200 404 200"
    ),
    "resend_team_delivery": Case(
        "POST", "/admin/webhooks/deliveries/{delivery}/resend", None, "401 403 202 404 202"
    ),
    "list_unknown": Case("GET", "/admin/unknown", None, "401 403 200 200 200"),
    "get_upstream_answer": Case(
        "GET", f"/admin/generations/{_NOWHERE}/upstream-answer", None, "401 403 403 403 404"
    ),
    "resolve_unknown": Case(
        "POST", f"/admin/unknown/{_NOWHERE}/resolve", {"outcome": "not_made", **_WHY},
        "401 403 403 403 404",
    ),
    "list_audit": Case("GET", "/admin/audit", None, "401 403 200 200 200"),
    "export_audit": Case("GET", "/admin/audit/export", None, "401 403 200 200 200"),
    "list_sign_in_requests": Case("GET", "/admin/sign-in-requests", None, "401 403 403 403 200"),
    "accept_sign_in_request": Case(
        "POST", f"{_SIGN_IN}/accept", {"team_id": _NOWHERE}, "401 403 403 403 404"
    ),
    "refuse_sign_in_request": Case("POST", f"{_SIGN_IN}/refuse", _WHY, "401 403 403 403 404"),
    "list_teams": Case("GET", "/admin/teams", None, "401 403 200 200 200"),
    "create_team": Case("POST", "/admin/teams", {"name": "{new}"}, "401 403 403 403 201"),
    "get_team": Case("GET", _TEAM, None, "401 403 200 404 200"),
    "get_usage_of_teams": Case("GET", "/admin/usage", None, "401 403 200 200 200"),
    "get_team_usage": Case("GET", f"{_TEAM}/usage", None, "401 403 200 404 200"),
    "change_team": Case("PATCH", _TEAM, {"credit_limit": 5}, "401 403 403 404 200"),
    "rename_team": Case("POST", f"{_TEAM}/rename", {"new_name": "{new}"}, "401 403 403 404 200"),
    "end_team": Case("POST", f"{_TEAM}/end", _WHY, "401 403 403 404 200"),
    "list_members": Case("GET", f"{_TEAM}/members", None, "401 403 200 404 200"),
    "create_member": Case("POST", f"{_TEAM}/members", {"name": "{new}"}, "401 403 201 404 201"),
    "get_member": Case("GET", _MEMBER, None, "401 403 200 404 200"),
    "change_member": Case(
        "PATCH", _MEMBER, {"credit_limit": 5, "role": "ADMIN"}, "401 403 200 404 200"
    ),
    "rename_member": Case(
        "POST", f"{_MEMBER}/rename", {"new_name": "{new}"}, "401 403 200 404 200"
    ),
    "end_member": Case("POST", f"{_MEMBER}/end", _WHY, "401 403 200 404 200"),
    "list_team_keys": Case("GET", f"{_TEAM}/keys", None, "401 403 200 404 200"),
    "list_member_keys": Case("GET", f"{_MEMBER}/keys", None, "401 403 200 404 200"),
    "create_member_key": Case("POST", f"{_MEMBER}/keys", {"name": "ci"}, "401 403 201 404 201"),
    "revoke_member_keys": Case("POST", f"{_MEMBER}/keys/revoke", None, "401 403 200 404 200"),
    "get_key": Case("GET", _KEY, None, "401 403 200 404 200"),
    "change_key": Case("PATCH", _KEY, {"credit_limit": 5}, "401 403 200 404 200"),
    "rotate_key": Case("POST", f"{_KEY}/rotate", None, "401 403 200 404 200"),
    "revoke_key": Case("POST", f"{_KEY}/revoke", None, "401 403 200 404 200"),
    "list_team_grants": Case("GET", f"{_TEAM}/grants", None, "401 403 200 404 200"),
    "create_team_grant": Case("POST", f"{_TEAM}/grants", _MORE, "401 403 403 404 201"),
    "list_member_grants": Case("GET", f"{_MEMBER}/grants", None, "401 403 200 404 200"),
    "create_member_grant": Case("POST", f"{_MEMBER}/grants", _MORE, "401 403 201 404 201"),
    "list_key_grants": Case("GET", f"{_KEY}/grants", None, "401 403 200 404 200"),
    "create_key_grant": Case("POST", f"{_KEY}/grants", _MORE, "401 403 201 404 201"),
    "list_statements": Case("GET", f"{_TEAM}/statements", None, "401 403 200 404 200"),
    # The team has only just been made: no month of it has ended.
    "close_month": Case(
        "POST", f"{_TEAM}/statements", {"month": "2026-01"}, "401 403 403 404 422"
    ),
    "get_statement": Case("GET", f"{_MONTH}", None, "401 403 404 404 404"),
    "list_statement_lines": Case("GET", f"{_MONTH}/lines", None, "401 403 404 404 404"),
    "list_statement_totals": Case(
        "GET", f"{_MONTH}/totals?by=member", None, "401 403 404 404 404"
    ),
    "get_statement_csv": Case("GET", f"{_MONTH}/csv", None, "401 403 404 404 404"),
    "list_corrections": Case(
        "GET", f"/admin/generations/{_NOWHERE}/corrections", None, "401 403 403 403 404"
    ),
    "correct_generation": Case(
        "POST", f"/admin/generations/{_NOWHERE}/corrections", {"settled_credits": 0, **_WHY},
        "401 403 403 403 404",
    ),
    "list_prices": Case("GET", "/admin/prices", None, "401 403 403 403 200"),
    "set_price": Case(
        "POST", "/admin/prices", {"match": {"model": "ray-v3"}, "credits": 5, **_WHY},
        "401 403 403 403 201",
    ),
    "withdraw_price": Case(
        "POST", f"/admin/prices/{_NOWHERE}/withdraw", _WHY, "401 403 403 403 404"
    ),
    "list_credit_requests": Case("GET", "/admin/credit-requests", None, "401 403 200 200 200"),
    "get_credit_request": Case("GET", _REQUEST, None, "401 403 200 404 200"),
    "grant_credit_request": Case("POST", f"{_REQUEST}/grant", _WHY, "401 403 200 404 200"),
    "refuse_credit_request": Case("POST", f"{_REQUEST}/refuse", _WHY, "401 403 200 404 200"),
    # Here everybody is a member, and another's key is nobody's.
    "list_own_keys": Case("GET", "/keys", None, "401 200 200 200 200"),
    "create_own_key": Case("POST", "/keys", {"name": "ci"}, "401 201 201 201 201"),
    "rotate_own_key": Case("POST", "/keys/{key}/rotate", None, "401 404 404 404 404"),
    "revoke_own_key": Case("POST", "/keys/{key}/revoke", None, "401 404 404 404 404"),
}  # fmt: skip
