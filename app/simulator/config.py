"""The simulator's options, and the private data that it leaks as the upstream does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.domain.catalog.catalog import Catalog
from app.simulator.models import ALL_BUILT_IN

#: Personal and internal data in the simulator's answers. None of it may reach a caller or a log of
#: the gateway: tests search for each of these strings.
PAYER_NAME = "Simulated Payer"
PAYER_AVATAR = "https://avatars.invalid/simulated-payer=s96-c"
TEAM_NAME = "Simulated Payer Team"
PROVIDER_NAME = "simulated-provider"
PROVIDER_URL = "https://provider.invalid/luma/v1/generations?ticket=simulated-leak"
CREDENTIAL = "SIMULATEDCREDENTIAL"
CANARIES = (PAYER_NAME, PAYER_AVATAR, TEAM_NAME, PROVIDER_NAME, PROVIDER_URL, CREDENTIAL)

SERVER_NAME = "reelgate-simulator"


@dataclass(frozen=True, kw_only=True)
class SimulatorConfig:
    """`public_url` is the base of links; if empty, links use the address of the request.

    A render takes the real time divided by `speed`. With `keys` None, any non-empty API-KEY has an
    account. `rate_per_minute` 0 means no rate limit. `control` enables `/_simulator/…`.
    `one_video_for_all` renders one video for each set of options, not one for each record, and
    leaves the prompt out of the picture: for load tests, which must not measure rendering.
    `catalog` has what it makes.
    """

    data_dir: Path
    public_url: str = ""
    speed: float = 60.0
    keys: frozenset[str] | None = None
    link_seconds: int = 604_800
    price: int = 150_000
    credit_limit: int = 100_000_000
    rate_per_minute: int = 180
    control: bool = True
    one_video_for_all: bool = False
    catalog: Catalog = ALL_BUILT_IN
