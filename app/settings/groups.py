"""The settings themselves, in groups; `Settings` puts them together."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from app.domain.accounts import Period
from app.settings.addresses import Host, HttpAddress, Network, Origin, ProxyAddress
from app.settings.budgets import Budgets
from app.settings.catalog import Models
from app.settings.inputs import Inputs
from app.settings.sessions import SignedIn
from app.settings.sharing import Sharing


class Profile(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    AUTO = "auto"
    JSON = "json"
    PRETTY = "pretty"


class UnofferedValues(StrEnum):
    """What to do with a request of an SDK for a duration or size that the upstream does not offer:
    take the next longer or nearest one, or refuse it."""

    NEAREST = "nearest"
    STRICT = "strict"


def _list_of_words(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return value


Seconds = Annotated[float, Field(gt=0, le=31_536_000)]
#: Comma-separated in the environment.
Words = Annotated[tuple[str, ...], NoDecode]


def _named(name: str, default: Any = ..., **more: Any) -> Any:
    """A setting whose environment variable does not have our prefix."""
    return Field(default, validation_alias=AliasChoices(name, name.lower()), **more)


class Connections(BaseModel):
    """Connections"""

    onemin_api_key: SecretStr | None = _named(
        "ONEMIN_API_KEY", None,
        description="Key of the 1min.ai account that pays; several as `label=key,label=key`. "
        "Unset: `reelgate up` starts the built-in simulator.",
    )  # fmt: skip
    onemin_base_url: HttpAddress = _named(
        "ONEMIN_BASE_URL", "https://api.1min.ai", description="Address of the upstream."
    )
    database_url: SecretStr | None = _named(
        "DATABASE_URL", None,
        description="PostgreSQL 14 or newer, `postgresql://user:password@host/name`. "
        "Unset: `reelgate up` keeps an embedded one under the data directory.",
    )  # fmt: skip
    database_session_url: SecretStr | None = Field(
        None,
        description="The address of the same database without a pooler, for migrations and "
        "notifications, if `DATABASE_URL` is a pooler in transaction mode such as PgBouncer. "
        "Unset: there is no pooler.",
    )
    database_prepared_statements: bool | None = Field(
        None,
        description="Whether statements are prepared. Unset: yes, but not through a pooler "
        "(`REELGATE_DATABASE_SESSION_URL`), which must know how to keep them apart.",
    )
    archive_url: str | None = Field(
        None,
        description="Where videos are kept: `file:///path`, `s3://bucket/prefix`, "
        "`gs://bucket/prefix`, `az://container/prefix`. Unset: `archive` in the data directory.",
    )
    public_url: HttpAddress | None = Field(
        None,
        description="The public address, for links; with a path if a proxy serves the gateway "
        "below one and removes it. Unset: from host and port.",
    )
    practice_url: HttpAddress | None = Field(
        None,
        description="The public address of another gateway whose upstream is the simulator: the "
        "playground links there, to practise without credits. Unset: no link.",
    )


class Running(BaseModel):
    """Processes"""

    profile: Profile = Field(
        Profile.DEVELOPMENT,
        description="`production` refuses the simulator, a missing signing secret and embedded "
        "PostgreSQL.",
    )
    data_dir: Path = Field(Path("data"), description="Folder for all data of `reelgate up`.")
    host: Host = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port the API listens on.")
    signing_secret: SecretStr | None = Field(
        None,
        description="Secret that signs video links, at least 32 characters, the same for every "
        "process. Unset in development: generated once and kept in the data directory.",
    )
    allow_embedded_postgres: bool = Field(
        False, description="Lets the production profile use the embedded PostgreSQL."
    )
    log_format: LogFormat = Field(
        LogFormat.AUTO, description="`json`, `pretty`, or `auto`: pretty on a terminal only."
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged."
    )
    database_pool_size: int = Field(
        10, ge=2, le=200, description="Maximum number of connections of each process to PostgreSQL."
    )
    worker_concurrency: int = Field(
        200,
        ge=1,
        le=10_000,
        description="Maximum number of upstream calls in flight of a worker process.",
    )
    worker_poll_seconds: Seconds = Field(
        0.5, description="How often an idle worker looks for jobs that are due."
    )
    worker_stalled_seconds: Seconds = Field(
        15,
        description="Seconds without a heartbeat after which a worker counts as dead and other "
        "workers take over its jobs.",
    )
    operations_port: int = Field(
        0, ge=0, le=65535,
        description="Port for `/metrics` and the detailed `/readyz` of the API; 0: none. The API's "
        "own port has them only in development, and only while this is not set.",
    )  # fmt: skip
    worker_metrics_port: int = Field(
        0, ge=0, le=65535, description="Port for the metrics of `reelgate worker`; 0: none."
    )
    liveness_socket: Path | None = Field(
        None,
        description="Unix socket on which a process reports that its event loop is running, one "
        "for each process; `python -m app.liveness` asks it. Unset: none.",
    )
    archive_concurrency: int = Field(
        4, ge=1, le=64, description="Videos one worker process archives at a time."
    )
    drain_seconds: Seconds = Field(
        30, description="How long a stopping process lets requests and upstream calls finish."
    )
    drain_notice_seconds: float = Field(
        0, ge=0, le=600,
        description="How long a stopping API still accepts requests while /readyz answers 503, so "
        "that load balancers notice.",
    )  # fmt: skip

    @property
    def operations_apart(self) -> bool:
        """Whether the callers' port omits what is for operators only."""
        return self.profile is Profile.PRODUCTION or self.operations_port != 0


class CallerPolicy(BaseModel):
    """Limits and policies for callers"""

    wait_seconds: Seconds = Field(
        900, description="How long POST /api/features waits for the video before answering 202."
    )
    max_waiting: int = Field(
        10_000, ge=1, description="Requests that may wait for a video at a time in one API process."
    )
    max_connections: int = Field(
        20_000, ge=1,
        description="Maximum number of connections of one API process. A further one replaces the "
        "one that has waited longest for its client.",
    )  # fmt: skip
    max_connections_per_address: int | None = Field(
        None, ge=1,
        description="Maximum number of connections from one client address. Unset: half of all. "
        "Proxies in REELGATE_TRUSTED_PROXIES have no limit of their own.",
    )  # fmt: skip
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Addresses or networks of your own reverse proxies, comma-separated, such as "
        "`10.0.0.0/8`: only their `X-Forwarded-For` is used.",
    )

    @property
    def connections_per_address(self) -> int:
        return self.max_connections_per_address or max(1, self.max_connections // 2)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_proxies(cls, value: Any) -> Any:
        return _list_of_words(value)


class Browsers(BaseModel):
    """Browsers and SDKs"""

    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        (),
        description="Origins whose pages may call the API from a browser, comma separated, such as "
        "`https://studio.example.com`; `*` is refused.",
    )
    model_aliases: Words = Field(
        (
            "sora-2=ray-v3", "sora-2-pro=ray-v3", "sora-2-2025-10-06=ray-v3",
            "sora-2-2025-12-08=ray-v3", "sora-2-pro-2025-10-06=ray-v3", "ray-3.2=ray-v3",
            "ray-3=ray-v3", "ray-2=ray-v2", "ray-flash-2=ray-v2-flash", "ray-1-6=ray-v1",
        ),
        description="Model names of the OpenAI and Luma SDKs and what each stands for, comma "
        "separated as `alias=model`; the models' own names are always understood, and `openai/` or "
        "`luma/` before any name, as routers write it.",
    )  # fmt: skip
    unoffered_values: UnofferedValues = Field(
        UnofferedValues.NEAREST,
        description="What the OpenAI and Luma dialects do with a duration or size that is not "
        "offered: `nearest` takes the next longer duration and the nearest size and reports it, "
        "`strict` refuses.",
    )

    @field_validator("cors_origins", "model_aliases", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _list_of_words(value)


class Notifications(BaseModel):
    """Live events and webhooks"""

    max_streams: int = Field(
        10_000, ge=1, description="Maximum number of open event streams of one API process."
    )
    webhook_internal_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        (),
        description="Receivers in your own network that webhooks may be sent to, comma-separated, "
        "such as `http://render-queue.internal:9000`; all others must be public and https.",
    )
    webhook_concurrency: int = Field(
        16, ge=1, le=500, description="Webhooks one worker process sends at a time."
    )
    history_days: int = Field(
        90, ge=1, le=36_500,
        description="How many days the events of ended generations, the log of webhook deliveries "
        "and the notices of past periods are kept.",
    )  # fmt: skip

    @field_validator("webhook_internal_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: Any) -> Any:
        return _list_of_words(value)


class MemberDefaults(BaseModel):
    """Defaults for new members"""

    member_credit_limit: int = Field(
        15_000_000, ge=0, description="Credit limit of a new member, unless given."
    )
    member_credit_period: Period = Field(
        Period.NONE,
        description="How often the credits of a new member begin anew, unless given: `none`, "
        "`day`, `week` or `month`.",
    )
    time_zone: str = Field(
        "UTC",
        description="Time zone of a new team, unless given, such as `Europe/Berlin`: its days, "
        "weeks and months begin at midnight there.",
    )
    member_rate_per_minute: int = Field(
        60, ge=1, le=60_000, description="Creates per minute of a new member, unless given."
    )
    member_rate_burst: int = Field(
        20, ge=1, le=60_000, description="Burst of creates of a new member, unless given."
    )
    member_max_open: int = Field(
        20, ge=1, description="How many generations of a new member may be open, unless given."
    )
    operator_team: str = Field(
        "default",
        description="Team whose administrators operate the whole gateway over the API.",
    )
    operator: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Person to name in the audit log for commands; by default the user of the "
        "operating system.",
    )

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone, such as Europe/Berlin") from None
        return value


class UpstreamPolicy(BaseModel):
    """Upstream"""

    upstream_async: bool = Field(
        True,
        description="Ask the upstream to answer at once and poll for the result; `false` holds "
        "the connection until the video exists.",
    )
    upstream_rate_per_minute: int = Field(
        180, ge=1, le=60_000, description="Requests per minute each upstream key may make."
    )
    upstream_read_seconds: Seconds = Field(
        900, description="How long the upstream may take to answer a submission."
    )
    breaker_failures: int = Field(
        5, ge=1, description="How many consecutive submissions without an answer stop further ones."
    )
    upstream_reserve_credits: int | None = Field(
        None, ge=0, description="Credits to leave in the account of each upstream key. Unset: off."
    )
    poll_first_seconds: Seconds = Field(
        60, description="When a result is first asked for while there is no history of its kind."
    )
    poll_seconds: Seconds = Field(
        10, description="Shortest time between two polls of one generation."
    )
    queue_seconds: Seconds = Field(
        86_400, description="How long a generation may stay queued before it fails, released."
    )
    running_seconds: Seconds = Field(
        3_600, description="How long the upstream may take before a generation becomes unknown."
    )
    download_hosts: Words = Field(
        ("s3.us-east-1.amazonaws.com", "asset.1min.ai"),
        description="Hosts videos are downloaded from, comma separated; nothing else is fetched.",
    )
    max_video_bytes: int = Field(
        1_073_741_824, ge=1024, description="Largest video that is archived."
    )
    upstream_proxy: ProxyAddress | None = Field(
        None,
        description="Proxy for the upstream and its file hosts, `http://host:port`, with "
        "`user:password@` if it needs them. Unset: none; the environment's `HTTPS_PROXY` is "
        "ignored.",
    )

    @field_validator("download_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        return _list_of_words(value.lower() if isinstance(value, str) else value)


class SimulatorSettings(BaseModel):
    """Simulator"""

    simulator_url: HttpAddress | None = Field(
        None,
        description="Address of a `reelgate simulate` to use as the upstream; refused in "
        "production.",
    )
    simulator_port: int = Field(
        8090, ge=0, le=65535, description="Port the simulator listens on, on loopback."
    )
    simulator_speed: float = Field(
        60, gt=0, le=100_000,
        description="How many times faster than the upstream the simulator renders; at 1 a video "
        "takes seven minutes. The API and the workers poll a simulator that much faster too: give "
        "every process the same.",
    )  # fmt: skip
    simulator_one_film: bool = Field(
        False,
        description="The simulator renders one film per set of options, without the prompt in the "
        "picture: for load tests, which would otherwise measure the rendering.",
    )


#: In the order of the documents.
GROUPS: tuple[type[BaseModel], ...] = (
    Connections, Running, CallerPolicy, Browsers, SignedIn, Notifications, MemberDefaults, Budgets,
    Inputs, Sharing, UpstreamPolicy, Models, SimulatorSettings,
)  # fmt: skip
