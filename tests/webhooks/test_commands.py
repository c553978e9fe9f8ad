"""`reelgate webhooks …`, as an operator types it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg

from app.db.session import driver_conninfo
from tests.harness import database
from tests.harness.processes import REELGATE, START_SECONDS, environment, until
from tests.promises.site import Caller, Site, site


class Answering:
    """Answers with `status` and keeps the bodies that came."""

    def __init__(self) -> None:
        self.status = 200
        self.came: list[bytes] = []


@contextmanager
def answering(answers: Answering) -> Iterator[str]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answers.came.append(self.rfile.read(int(self.headers["Content-Length"])))
            said = b"said\x1b[31m so"
            self.send_response(answers.status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Operator:
    def __init__(self, place: Site) -> None:
        self._folder, self._settings = place.folder, place.settings

    def types(self, *words: str) -> tuple[int, str]:
        """Exit code, and what was printed."""
        ran = subprocess.run(
            [REELGATE, "webhooks", *words], cwd=self._folder, capture_output=True, text=True,
            env=environment(self._folder, self._settings), timeout=START_SECONDS, check=False,
        )  # fmt: skip
        return ran.returncode, ran.stdout + ran.stderr


def only_delivery(caller: Caller, **query: str) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    (found,) = caller.get(f"/api/v1/webhooks/deliveries?{asked}").json()["data"]
    shown: dict[str, Any] = found
    return shown


def test_an_operator_looks_after_endpoints(postgres: database.Server, tmp_path: Path) -> None:
    answers = Answering()
    with (
        answering(answers) as origin,
        postgres.fresh() as address,
        site(address, tmp_path, REELGATE_WEBHOOK_INTERNAL_ORIGINS=origin) as place,
    ):
        api, operator = place.start_api(), Operator(place)
        caller = place.caller(api, "told")
        own = {"API-KEY": caller.key}
        hook = caller.http.post(
            "/api/v1/webhooks/endpoints", json={"url": f"{origin}/hook?pass=canary"}, headers=own
        ).json()
        path = f"/api/v1/webhooks/endpoints/{hook['id']}"

        code, said = operator.types("test", hook["id"])
        assert (code, said.split(" after ")[0]) == (0, "answered 200")
        assert "said [31m so" in said
        assert b"webhook.test" in answers.came.pop()
        answers.status = 503
        code, said = operator.types("test", hook["id"])
        assert (code, said.split(" after ")[0]) == (1, "answered 503")
        answers.came.clear()

        made = caller.create("never sent")
        caller.http.post(f"/api/v1/generations/{made}/cancel", headers=own)
        assert operator.types("disable", hook["id"], "--reason", "it floods us")[0] == 0
        assert operator.types("disable", hook["id"], "--reason", "again")[0] == 1
        assert caller.get(path).json()["disabled_reason"] == "operator"
        place.worker()
        until(lambda: only_delivery(caller, generation_id=made)["state"] == "failed", "it fails")
        code, said = operator.types("list", "--team", "studio")
        assert code == 0
        assert said.split()[-1] == "1", "it counts what failed"
        for word in (hook["id"], "told", f"{origin}/hook", "disabled (operator)"):
            assert word in said
        assert "canary" not in said
        assert hook["id"] not in operator.types("list", "--team", "nobody")[1]

        code, said = operator.types("resend", "--endpoint", hook["id"])
        assert (code, "its owner can enable it again" in said) == (1, True)
        caller.http.patch(path, json={"enabled": True}, headers=own)
        answers.status = 200
        assert operator.types("resend", "--endpoint", hook["id"])[1].split()[-1] == "1."
        until(lambda: only_delivery(caller, generation_id=made)["state"] == "delivered", "it is")
        delivery = only_delivery(caller, generation_id=made)["id"]
        assert operator.types("resend", "--delivery", delivery)[0] == 0
        until(lambda: len(answers.came) >= 2, "it is sent again")
        assert answers.came[0] == answers.came[1]

        nothing = "00000000-0000-4000-8000-000000000000"
        for words in (("test", nothing), ("resend", "--delivery", nothing), ("resend",)):
            assert operator.types(*words)[0] != 0
        assert "canary" not in place.logs()

        delete_with_the_next_delivery(address, hook["id"])
        code, said = operator.types("test", hook["id"])
        assert (code, said) == (1, f"reelgate: There is no webhook endpoint {hook['id']}.\n")


def delete_with_the_next_delivery(address: str, endpoint_id: str) -> None:
    """Its owner deletes the endpoint in the moment after a delivery was made."""
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION delete_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " DELETE FROM webhook_deliveries;"
            f" DELETE FROM webhook_endpoints WHERE id = '{endpoint_id}'; RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER delete_it AFTER INSERT ON webhook_deliveries"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION delete_it()"
        )
