"""How a simulator is set up, and the private words it leaks the way the upstream does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Personal and internal words that ride along in answers. None may reach a caller or a log of the
#: gateway, so a test can search for each of them.
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
    """`public_url` is the base of links; empty: the address the request came to.

    `speed` divides the time a render takes in life. `keys` None: any non-empty API-KEY is an
    account of its own. `rate_per_minute` 0: no rate limit. `control` opens `/_simulator/…`.
    `one_film_for_all` renders once for each set of options instead of for each record, without the
    prompt in the picture: for load tests, where rendering must not be what is measured.
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
    one_film_for_all: bool = False
