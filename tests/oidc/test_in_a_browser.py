"""A person signs in with Chromium: cookies and redirects are the browser's own."""

from __future__ import annotations

import json
import os
from pathlib import Path

from app.domain.limits import Limits
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


def test_a_person_signs_in_with_a_browser(database_url: str, tmp_path: Path) -> None:
    with real_issuer(tmp_path / "issuer") as real:
        gateway = f"http://{HOST}:8080"
        real.change(
            redirects=[f"{gateway}/app/oidc/real/callback"],
            people={"ada": {"preferred_username": "ada", "groups": ["artists"]}},
        )
        file = issuers_file(tmp_path / "settings", issuer_table(real.url, GROUPS))
        with site(
            database_url, tmp_path / "site", REELGATE_OIDC_FILE=str(file), REELGATE_HOST=HOST,
            REELGATE_PORT="8080",
        ) as place:  # fmt: skip
            api = place.start_api()
            assert api.address == gateway
            place.caller(api, "bob", limits=Limits())
            with browsing(tmp_path, SCRIPT, gateway) as script:
                found = json.loads(script.rest())
            logs = place.logs()
    assert found == {
        "signed_in": [200, "ada"],
        "cookies": [["reelgate", True, "Lax"]],
        "seen_by_scripts": "",
        "refused": "An operator has to let you in",
        "signed_out": [401, None],
    }
    assert "code=" not in logs
    assert "a secret of a client" not in logs
