"""A person signs in with Chromium: cookies and redirects are the browser's own."""

from __future__ import annotations

import os
from pathlib import Path

from app.domain.caller import Role
from app.domain.limits import Limits
from tests.harness import wheel
from tests.harness.browser import browsing
from tests.oidc.real import issuer_table, issuers_file, real_issuer
from tests.promises.site import site

SCRIPT = Path(__file__).with_name("in_a_browser.mjs")
#: The issuer has to know the address of the gateway before that is started. So that no port must be
#: found in between, each test process has a loopback address of its own. To browsers it is another
#: site than the issuer, as it usually is.
HOST = ".".join(map(str, (127, 96 | os.getpid() >> 16, os.getpid() >> 8 & 255, os.getpid() & 255)))
GROUPS = """
[[issuer.groups]]
group = "artists"
team = "studio"
"""


def test_people_sign_in_with_a_browser_and_one_is_let_in(database_url: str, tmp_path: Path) -> None:
    with real_issuer(tmp_path / "issuer") as real:
        gateway = f"http://{HOST}:8080"
        eve = {"name": "Eve", "email": "eve@example.com", "email_verified": False, "groups": []}
        real.change(
            redirects=[f"{gateway}/app/oidc/real/callback"],
            people={"ada": {"preferred_username": "ada", "groups": ["artists"]}, "eve": eve},
        )
        file = issuers_file(tmp_path / "settings", issuer_table(real.url, GROUPS))
        with site(
            database_url, tmp_path / "site", wheel.installed().reelgate,
            REELGATE_OIDC_FILE=str(file), REELGATE_HOST=HOST, REELGATE_PORT="8080",
        ) as place:  # fmt: skip
            api = place.start_api()
            assert api.address == gateway
            place.caller(api, "bob", limits=Limits())
            root = place.caller(api, "root", team="default", role=Role.ADMIN)
            with browsing(tmp_path, SCRIPT, gateway, root.key) as script:
                assert script.step("signed in") == [200, "ada"]
                assert script.step("cookies") == [["reelgate", True, "Lax"]]
                assert script.step("seen by scripts") == ""
                assert script.step("refused") == "An operator has to let you in"
                assert script.step("signed out") == [401, None]
                # Where she wanted to go.
                assert script.step("let in") == ["/app/usage", [200, "eve"]]
                script.ends_well()
            logs = place.logs()
    assert "code=" not in logs
    assert "a secret of a client" not in logs
