"""`/app/oidc`: which issuers there are, the way to one, and the way back.

What goes wrong on the way back is a page for a person. It says what to do, and nothing that the
issuer said.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from starlette.responses import JSONResponse, RedirectResponse

from app.domain.issuers import Issuer, Refusal, SignInRefused
from app.errors import NotFound
from app.http.access import runtime_of
from app.http.pages import page
from app.oidc.pending import LIFETIME
from app.runtime import ApiRuntime
from app.web import cookies
from app.web.signin import oidc

if TYPE_CHECKING:
    from app.oidc.provider import Provider

#: Of the cookie of a sign-in that has begun.
_SUFFIX = "-oidc"

#: The status, what happened, and what to do. `{issuer}` is the issuer's name.
_SAID = {
    Refusal.OTHER_BROWSER: (
        400, "This sign-in was not begun in this browser, or too long ago",
        "Begin again, in one window, and at the address where these pages are: {here}.",
    ),
    Refusal.USED: (400, "This answer was used before", "Begin again."),
    Refusal.DECLINED: (
        403, "{issuer} did not sign you in",
        "Begin again, or ask whoever runs {issuer} to let you use Reelgate.",
    ),
    Refusal.ISSUER_AWAY: (
        503, "{issuer} does not answer", "Try again in a minute, or sign in with a key.",
    ),
    Refusal.ISSUER_ANSWER: (
        502, "The answer of {issuer} cannot be trusted",
        "Begin again. If it happens again, tell an operator: the log says what was wrong.",
    ),
    Refusal.NOT_AFRESH: (
        403, "{issuer} did not ask you to sign in again",
        "What you wanted to do needs a fresh sign-in: prove with a key who you are.",
    ),
    Refusal.TOO_MANY: (
        429, "Too many people or attempts", "Try again in a few minutes, or ask an operator.",
    ),
    Refusal.SUSPENDED: (403, "You are suspended", "Ask an operator."),
    Refusal.ENDED: (403, "Your membership has ended", "Ask an operator for another one."),
    Refusal.NO_TEAM: (
        403, "You have no team here",
        "Tell an operator: the settings lead to a team that is not there.",
    ),
    Refusal.WAITING: (
        403, "An operator has to let you in",
        "Your request is noted. Come back and sign in again once an operator has accepted it.",
    ),
    Refusal.NOT_ACCEPTED: (403, "An operator has not let you in", "Ask an operator."),
}  # fmt: skip


def add_routes(app: FastAPI) -> None:
    app.add_api_route("/oidc", list_issuers, methods=["GET"], name="list_issuers")
    app.add_api_route("/oidc/{issuer_id}/begin", begin, methods=["GET"], name="begin_oidc")
    app.add_api_route("/oidc/{issuer_id}/callback", callback, methods=["GET"], name="end_oidc")


async def list_issuers(request: Request) -> Response:
    """For the sign-in page, in its order."""
    known = runtime_of(request).providers.values()
    return JSONResponse({"data": [{"id": one.issuer.id, "name": one.issuer.name} for one in known]})


async def begin(request: Request) -> Response:
    """`next` is a page to return to; `again=1`: the person has to prove afresh who it is."""
    rt, provider = runtime_of(request), _provider(request)
    query = request.query_params
    try:
        url, cookie = await oidc.start(
            rt, provider, return_to=query.get("next", "").removeprefix("/"),
            afresh=query.get("again") == "1",
        )  # fmt: skip
    except SignInRefused as refused:
        return _refusal(rt, provider.issuer, refused)
    response = RedirectResponse(url, status_code=303, headers=_HEADERS)
    seconds = int(LIFETIME.total_seconds())
    cookies.put(response, cookie, rt.settings, suffix=_SUFFIX, seconds=seconds)
    return response


async def callback(request: Request) -> Response:
    """Whatever comes back, the cookie has served."""
    rt, provider = runtime_of(request), _provider(request)
    cookie = cookies.sent(request.scope, rt.settings, _SUFFIX)
    response: Response
    try:
        found = await oidc.finish(rt, request, provider, cookie, request.app.state.attempts)
    except SignInRefused as refused:
        response = _refusal(rt, provider.issuer, refused)
    else:
        # `return_to` can only follow `/app/`, so that nobody is sent anywhere else.
        to = f"{rt.settings.link_base}/app/{found.return_to}"
        response = RedirectResponse(to, status_code=303, headers=_HEADERS)
        cookies.give(response, found.secret, rt.settings)
    cookies.put(response, "", rt.settings, suffix=_SUFFIX, seconds=0)
    return response


#: The address of this answer holds the code.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def _provider(request: Request) -> Provider:
    found = runtime_of(request).providers.get(request.path_params["issuer_id"])
    if found is None:
        raise NotFound("There is no such issuer here.")
    return found


def _refusal(rt: ApiRuntime, issuer: Issuer, refused: SignInRefused) -> Response:
    status, happened, remedy = _SAID[refused.refusal]
    home = f"{rt.settings.link_base}/app/sign-in"
    texts = [
        escape(text.format(issuer=issuer.name, here=rt.settings.link_base))
        for text in (happened, remedy)
    ]
    response = page(
        "Signing in",
        f"<h1>{texts[0]}</h1>\n<p>{texts[1]}</p>\n"
        f'<p><a href="{escape(home)}">To the sign-in page</a></p>',
    )
    response.status_code = status
    response.headers.update(_HEADERS)
    if refused.refusal in (Refusal.ISSUER_AWAY, Refusal.TOO_MANY):
        response.headers["Retry-After"] = "60"
    return response
