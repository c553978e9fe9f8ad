"""Every command and every route that changes something, and the line that it leaves."""

from __future__ import annotations

from typing import Any

#: What leaves no line, and why.
SILENT_COMMANDS = {
    "up": "a process", "serve": "a process", "worker": "a process", "simulate": "a process",
    "migrate": "makes the log itself", "doctor": "looks", "audit": "looks", "in-flight": "looks",
    "team list": "looks", "member list": "looks", "key list": "looks", "upstream list": "looks",
    "upstream answer": "looks", "upstream credits": "looks", "generation show": "looks",
    "generation list": "looks",
    "unknown list": "looks", "archive list": "looks", "archive verify": "looks",
    "webhooks list": "looks", "ledger verify": "looks", "usage": "looks", "grant list": "looks",
    "prices list": "looks", "statement list": "looks", "statement show": "looks",
    "statement verify": "looks", "request list": "looks", "sign-in list": "looks",
    "catalog check": "looks",
}  # fmt: skip
#: What is typed, with names for what the database has, and the action it leaves.
COMMANDS = {
    "team create": ("new", "team.create"),
    "team limit": ("studio --credit-limit 5", "team.change"),
    "team suspend": ("studio --reason odd", "team.change"),
    "team rename": ("studio atelier", "team.rename"),
    "team end": ("studio --reason odd", "team.end"),
    "member create": ("bob --team studio", "member.create"),
    "member limit": ("ada --team studio --max-open 3", "member.change"),
    "member suspend": ("ada --team studio --reason odd", "member.change"),
    "member rename": ("ada grace --team studio", "member.rename"),
    "member role": ("ada member --team studio", "member.change"),
    "member end": ("ada --team studio --reason odd", "member.end"),
    "key create": ("--team studio --member ada", "key.create"),
    "key limit": ("rg_aaaaaaaa --credit-limit 5 --period month", "key.limit"),
    "key rotate": ("rg_aaaaaaaa", "key.rotate"),
    "key revoke": ("rg_aaaaaaaa…", "key.revoke"),
    "key revoke-all": ("--team studio --member ada", "key.revoke"),
    "grant give": ("--team studio --member ada --credits 5 --reason odd", "grant.give"),
    "generation cancel": ("{queued} --reason odd", "generation.cancel"),
    "prices set": ("--model ray-v3 --credits 5 --reason odd", "price.set"),
    "prices withdraw": ("{price} --reason odd", "price.withdraw"),
    "request grant": ("{request} --reason odd", "credit_request.grant"),
    "request refuse": ("{request} --reason odd", "credit_request.refuse"),
    "sign-in accept": ("{sign_in} --team studio", "sign_in_request.accept"),
    "sign-in refuse": ("{sign_in} --reason odd", "sign_in_request.refuse"),
    "ledger rebuild": ("", "ledger.rebuild"),
    "ledger correct": ("{ended} --credits 0 --reason odd", "ledger.correct"),
    "statement close": ("--team studio --month 2026-03", "statement.close"),
    "pause": ("submission --reason odd", "gateway.pause"),
    "resume": ("admission", "gateway.resume"),
    "after-restore": ("", "generations.mark_unknown"),
    "upstream test": ("main", "upstream_key.test"),
    "upstream pause": ("main --reason odd", "upstream_key.pause"),
    "upstream return": ("main", "upstream_key.return"),
    "unknown resolve": ("{unknown} not_made --reason seen", "unknown.resolve"),
    "archive move": ("--to {folder}", "archive.move"),
    "archive accept": ("{set_aside}", "archive.accept"),
    "archive retry": ("{set_aside}", "archive.retry"),
    "webhooks test": ("{endpoint}", "webhook.test"),
    "webhooks disable": ("{endpoint} --reason odd", "webhook.disable"),
    "webhooks enable": ("{disabled}", "webhook.enable"),
    "webhooks resend": ("--delivery {delivery}", "webhook.resend"),
}
#: Of the REST and all dialects, by the names of their routes.
SILENT_ROUTES = {
    "create_generation": "the generation says who asked for it", "create_feature": "so",
    "retry_generation": "so", "create_video": "so", "remix_video": "so",
    "create_input": "the input says who uploaded it", "create_asset": "so",
    "add_favorite": "a member's note to itself", "remove_favorite": "so",
    "estimate_generation": "looks", "create_events_token": "nothing is kept",
}  # fmt: skip
#: Families of actions that are about no team: only operators read their lines.
OF_NO_TEAM = {
    "archive.move",
    "gateway",
    "generations",
    "ledger.rebuild",
    "price",
    "sign_in_request.refuse",
    "upstream_key",
}
#: Methods, paths and bodies, and the action each leaves.
ROUTES: dict[str, tuple[str, str, Any, str]] = {
    "cancel_generation": ("POST", "/api/v1/generations/{queued}/cancel", None, "generation.cancel"),
    "delete_generation": ("DELETE", "/api/v1/generations/{succeeded}", None, "video.delete"),
    "create_share": (
        "POST", "/api/v1/generations/{succeeded}/shares", {"expires_in_seconds": 3600},
        "share.create",
    ),
    "revoke_share": (
        "DELETE", "/api/v1/generations/{succeeded}/shares/{share}", None, "share.revoke",
    ),
    "end_session": ("DELETE", "/api/v1/sessions/{session}", None, "session.end"),
    "delete_input": ("DELETE", "/api/v1/inputs/{input}", None, "input.delete"),
    "delete_video": ("DELETE", "/v1/videos/{queued}", None, "generation.cancel"),
    "create_webhook_endpoint": (
        "POST", "/api/v1/webhooks/endpoints", {"url": "https://example.com/x"}, "webhook.create",
    ),
    "update_webhook_endpoint": (
        "PATCH", "/api/v1/webhooks/endpoints/{endpoint}", {"enabled": False}, "webhook.change",
    ),
    "delete_webhook_endpoint": (
        "DELETE", "/api/v1/webhooks/endpoints/{endpoint}", None, "webhook.delete",
    ),
    "rotate_webhook_secret": (
        "POST", "/api/v1/webhooks/endpoints/{endpoint}/rotate", None, "webhook.rotate",
    ),
    "rotate_callback_secret": (
        "POST", "/api/v1/webhooks/callback-secret/rotate", None, "callback_secret.rotate",
    ),
    "test_webhook_endpoint": (
        "POST", "/api/v1/webhooks/endpoints/{endpoint}/test", None, "webhook.test",
    ),
    "create_webhook": (
        "POST", "/v1/webhook_endpoints",
        {"name": "x", "url": "https://example.com/x", "event_types": ["video.failed"]},
        "webhook.create",
    ),
    "update_webhook": ("POST", "/v1/webhook_endpoints/{openai}", {"name": "y"}, "webhook.change"),
    "delete_webhook": ("DELETE", "/v1/webhook_endpoints/{openai}", None, "webhook.delete"),
    "rotate_secret": (
        "POST", "/v1/webhook_endpoints/{openai}/rotate_secret", None, "webhook.rotate",
    ),
    "test_webhook": (
        "POST", "/v1/webhook_endpoints/{openai}/test", {"event_type": "video.failed"},
        "webhook.test",
    ),
    "resend_webhook_delivery": (
        "POST", "/api/v1/webhooks/deliveries/{delivery}/resend", None, "webhook.resend",
    ),
    "create_team": ("POST", "/api/v1/admin/teams", {"name": "new"}, "team.create"),
    "change_team": (
        "PATCH", "/api/v1/admin/teams/{other}", {"credit_limit": 5}, "team.change",
    ),
    "rename_team": (
        "POST", "/api/v1/admin/teams/{other}/rename", {"new_name": "atelier"}, "team.rename",
    ),
    "end_team": ("POST", "/api/v1/admin/teams/{other}/end", {"reason": "odd"}, "team.end"),
    "create_member": (
        "POST", "/api/v1/admin/teams/{other}/members", {"name": "new"}, "member.create",
    ),
    "change_member": (
        "PATCH", "/api/v1/admin/teams/{other}/members/{bob}", {"max_open": 3}, "member.change",
    ),
    "rename_member": (
        "POST", "/api/v1/admin/teams/{other}/members/{bob}/rename", {"new_name": "grace"},
        "member.rename",
    ),
    "end_member": (
        "POST", "/api/v1/admin/teams/{other}/members/{bob}/end", {"reason": "odd"}, "member.end",
    ),
    "create_own_key": ("POST", "/api/v1/keys", {}, "key.create"),
    "rotate_own_key": ("POST", "/api/v1/keys/{key}/rotate", None, "key.rotate"),
    "revoke_own_key": ("POST", "/api/v1/keys/{key}/revoke", None, "key.revoke"),
    "create_member_key": (
        "POST", "/api/v1/admin/teams/{other}/members/{bob}/keys", {}, "key.create",
    ),
    "revoke_member_keys": (
        "POST", "/api/v1/admin/teams/{other}/members/{bob}/keys/revoke", None, "key.revoke",
    ),
    "change_key": ("PATCH", "/api/v1/admin/keys/{bobs}", {"credit_limit": 5}, "key.limit"),
    "rotate_key": ("POST", "/api/v1/admin/keys/{bobs}/rotate", None, "key.rotate"),
    "revoke_key": ("POST", "/api/v1/admin/keys/{bobs}/revoke", None, "key.revoke"),
    "create_team_grant": (
        "POST", "/api/v1/admin/teams/{other}/grants", {"credits": 5, "reason": "odd"}, "grant.give",
    ),
    "create_member_grant": (
        "POST", "/api/v1/admin/teams/{other}/members/{bob}/grants",
        {"credits": 5, "reason": "odd"}, "grant.give",
    ),
    "create_key_grant": (
        "POST", "/api/v1/admin/keys/{bobs}/grants", {"credits": 5, "reason": "odd"}, "grant.give",
    ),
    "cancel_managed_generation": (
        "POST", "/api/v1/admin/generations/{queued}/cancel", {"reason": "odd"},
        "generation.cancel",
    ),
    "retry_archiving": (
        "POST", "/api/v1/admin/generations/{set_aside}/retry-archiving", None, "archive.retry",
    ),
    "accept_file": (
        "POST", "/api/v1/admin/generations/{set_aside}/accept-file", None, "archive.accept",
    ),
    "disable_endpoint": (
        "POST", "/api/v1/admin/webhooks/endpoints/{endpoint}/disable", {"reason": "odd"},
        "webhook.disable",
    ),
    "enable_endpoint": (
        "POST", "/api/v1/admin/webhooks/endpoints/{disabled}/enable", None, "webhook.enable",
    ),
    "resend_team_delivery": (
        "POST", "/api/v1/admin/webhooks/deliveries/{delivery}/resend", None, "webhook.resend",
    ),
    "resend_failed_deliveries": (
        "POST", "/api/v1/admin/teams/{team}/webhooks/resend", {}, "webhook.resend",
    ),
    "close_month": (
        "POST", "/api/v1/admin/teams/{other}/statements", {"month": "2026-03"}, "statement.close",
    ),
    "correct_generation": (
        "POST", "/api/v1/admin/generations/{ended}/corrections",
        {"settled_credits": 0, "reason": "odd"}, "ledger.correct",
    ),
    "set_price": (
        "POST", "/api/v1/admin/prices",
        {"match": {"model": "ray-v3"}, "credits": 5, "reason": "odd"}, "price.set",
    ),
    "withdraw_price": (
        "POST", "/api/v1/admin/prices/{price}/withdraw", {"reason": "odd"}, "price.withdraw",
    ),
    "open_credit_request": (
        "POST", "/api/v1/credit-requests", {"credits": 5, "reason": "odd"}, "credit_request.open",
    ),
    "withdraw_credit_request": (
        "POST", "/api/v1/credit-requests/{adas}/withdraw", None, "credit_request.withdraw",
    ),
    "grant_credit_request": (
        "POST", "/api/v1/admin/credit-requests/{request}/grant", {"reason": "odd"},
        "credit_request.grant",
    ),
    "refuse_credit_request": (
        "POST", "/api/v1/admin/credit-requests/{request}/refuse", {"reason": "odd"},
        "credit_request.refuse",
    ),
    "accept_sign_in_request": (
        "POST", "/api/v1/admin/sign-in-requests/{sign_in}/accept", {"team_id": "{other}"},
        "sign_in_request.accept",
    ),
    "refuse_sign_in_request": (
        "POST", "/api/v1/admin/sign-in-requests/{sign_in}/refuse", {"reason": "odd"},
        "sign_in_request.refuse",
    ),
    "pause_gateway": (
        "POST", "/api/v1/admin/pauses/submission/pause", {"reason": "odd"}, "gateway.pause",
    ),
    "resume_gateway": (
        "POST", "/api/v1/admin/pauses/admission/resume", {"reason": "odd"}, "gateway.resume",
    ),
    "test_upstream_key": (
        "POST", "/api/v1/admin/upstream-keys/main/test", None, "upstream_key.test",
    ),
    "pause_upstream_key": (
        "POST", "/api/v1/admin/upstream-keys/main/pause", {"reason": "odd"}, "upstream_key.pause",
    ),
    "return_upstream_key": (
        "POST", "/api/v1/admin/upstream-keys/main/return", {"reason": "odd"},
        "upstream_key.return",
    ),
    "resolve_unknown": (
        "POST", "/api/v1/admin/unknown/{unknown}/resolve",
        {"outcome": "not_made", "reason": "seen"}, "unknown.resolve",
    ),
}  # fmt: skip
#: By the name that a path has: what is there for that alone.
ONLY_WHERE_NEEDED = {
    "input": """
        INSERT INTO inputs (id, team_id, member_id, state, name, path, sha256, content_type,
                            size_bytes, width, height, expires_at)
        VALUES (:input, :team, :member, 'ready', 'x', 'inputs/x', 'x', 'image/png', 1, 1, 1,
                now() + interval '1 day')
    """,
    # With one that is open, she can make no other.
    "adas": """
        INSERT INTO credit_requests (id, team_id, member_id, account_id, kind, credits, reason,
                                     created_at)
        VALUES (:adas, :team, :member, :member, 'member', 5, 'odd', now())
    """,
    "share": """
        INSERT INTO shares (id, generation_id, member_id, api_key_id, secret_sha256, expires_at)
        SELECT :share, id, member_id, api_key_id, '', now() + interval '1 day'
          FROM generations WHERE id = :succeeded
    """,
}
