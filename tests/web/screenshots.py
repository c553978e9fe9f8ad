"""Takes the pictures of `docs/pages.md` again: `python -m tests.web.screenshots`.

They are of the installed package with its simulator, at 127.0.0.1, with people and videos that are
invented here. Nothing compares them: look at them before they go in.
"""

from __future__ import annotations

import io
import random
import tempfile
from pathlib import Path

import psycopg
from PIL import Image

from app.db.session import driver_conninfo
from app.domain.caller import Role
from app.domain.limits import Limits
from tests.harness import database, wheel
from tests.harness.browser import browsing
from tests.promises.site import Caller, site
from tests.structure.sources import IMAGES, MOST_BYTES, ROOT

SCRIPT = Path(__file__).with_name("screenshots.mjs")
#: Pixels. A phone's is left as it is.
WIDTH = 800
PROMPTS = (
    "Paper boats on a flooded street at dusk",
    "A fox crosses a frozen lake, slow motion",
    "Steam over a tea bowl, morning light",
    "An old tram climbs a steep street in the rain",
    "Wheat in the wind, drone shot, late summer",
    "A potter's hands at the wheel, close up",
    "Northern lights above a small harbor",
    "A lighthouse in a winter storm, seen from the sea",
)
LOST = ("A hot-air balloon over vineyards", "Snow falls on an empty carousel")
MODELS = ("ray-v3", "ray-v2", "ray-v2-flash")
#: Days before today, with as many times what today has in one model.
PAST = ((1, 2), (2, 1), (3, 3), (6, 2), (7, 4), (8, 3), (9, 1), (10, 2), (13, 3), (14, 1))
_EARLIER = """
    INSERT INTO daily_usage
    SELECT member_id, tag, day - %(days)s::int, value, model, state, account_id, team_id,
           generations * %(times)s, settled * %(times)s
      FROM daily_usage WHERE day = (SELECT max(day) FROM daily_usage)
"""


def take(folder: Path) -> None:
    with (
        database.open_folder() as data,
        database.running(data) as server,
        server.fresh() as address,
        site(
            address, folder / "site", wheel.installed().reelgate,
            REELGATE_MONEY_PER_1000_CREDITS="0.35 EUR",
        ) as place,
    ):  # fmt: skip
        place.worker()
        api = place.start_api().ready()
        limits = Limits(credit_limit=6_000_000, rate_burst=100, max_open=20)
        ada = place.caller(api, "Ada", team="Trailers", limits=limits)
        root = place.caller(api, "Robin", team="default", role=Role.ADMIN)
        for prompt in LOST:
            place.upstream.fault("reset_after", prompt)
            ada.until_state(_ask(ada, prompt, MODELS[0]), "unknown")
        films = [
            _ask(ada, prompt, MODELS[number % len(MODELS)]) for number, prompt in enumerate(PROMPTS)
        ]
        for film in films:
            ada.until_archived(film)
        with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
            for days, times in PAST:
                connection.execute(_EARLIER, {"days": days, "times": times})
            try:
                words = (api.address, ada.key, root.key, str(folder))
                with browsing(folder, SCRIPT, *words) as script:
                    script.ends_well()
            finally:
                # No generation stands behind them.
                connection.execute(
                    "DELETE FROM daily_usage WHERE day < (SELECT max(day) FROM daily_usage)"
                )


def _ask(caller: Caller, prompt: str, model: str) -> str:
    wanted = {
        "feature": "TEXT_TO_VIDEO", "model": model, "prompt": prompt, "duration": "5s",
        "metadata": {"project": random.Random(prompt).choice(("spring", "harbor", "tea"))},
    }  # fmt: skip
    answer = caller.http.post("/api/v1/generations", json=wanted, headers={"API-KEY": caller.key})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def small(picture: Image.Image) -> bytes:
    """As WebP, of the best quality that is small enough."""
    if picture.width > WIDTH:
        height = round(picture.height * WIDTH / picture.width)
        picture = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
    for quality in (90, 80, 70, 60, 50):
        written = io.BytesIO()
        picture.convert("RGB").save(written, "WEBP", quality=quality, method=6)
        if written.tell() <= MOST_BYTES:
            return written.getvalue()
    raise AssertionError(f"a picture of more than {MOST_BYTES} bytes")


def main() -> None:
    target = ROOT / IMAGES
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        take(Path(folder))
        for taken in sorted(Path(folder).glob("*.png")):
            with Image.open(taken) as picture:
                file = target / f"{taken.stem}.webp"
                file.write_bytes(small(picture))
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
