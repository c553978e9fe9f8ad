"""The frame of the gateway's own small pages: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import html

from starlette.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; }
pre { overflow-x: auto; padding: .75rem 1rem; border-radius: .4rem; background: #8881; }
code { font: .9em ui-monospace, monospace; }
table { display: block; overflow-x: auto; border-collapse: collapse; }
td, th { padding: .3rem .7rem; border: 1px solid #8884; text-align: left; vertical-align: top; }
.note { padding: .6rem 1rem; border-left: .25rem solid #d97706; background: #d977061a; }
summary { cursor: pointer; font-weight: 600; margin: .6rem 0; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def page(title: str, body: str) -> HTMLResponse:
    """`body` is HTML."""
    return HTMLResponse(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n",
        headers={"Content-Security-Policy": _POLICY},
    )
