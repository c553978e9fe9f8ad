"""Every setting, typed, with one sentence each. Unsafe values stop the start."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import ConfigurationError


class Profile(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    AUTO = "auto"
    JSON = "json"
    PRETTY = "pretty"


def _absolute_http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ValueError("must be an http:// or https:// address without a query")
    return value.rstrip("/")


HttpAddress = Annotated[str, AfterValidator(_absolute_http_url)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000)]


def _named(name: str, default: Any = ..., **more: Any) -> Any:
    """A setting whose environment name does not carry our prefix."""
    return Field(default, validation_alias=AliasChoices(name, name.lower()), **more)


class Settings(BaseSettings):
    """Read from the environment, then from `.env`. Names are `REELGATE_` + the field's name in
    capitals, but for the three that other tools share."""

    model_config = SettingsConfigDict(
        env_prefix="REELGATE_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    # What it is connected to
    onemin_api_key: SecretStr | None = _named(
        "ONEMIN_API_KEY", None,
        description="Key of the 1min.ai account that pays; several as `label=key,label=key`. "
        "Unset: `reelgate up` starts the built-in simulator.",
    )  # fmt: skip
    onemin_base_url: HttpAddress = _named(
        "ONEMIN_BASE_URL", "https://api.1min.ai", description="Where the upstream is."
    )
    database_url: SecretStr | None = _named(
        "DATABASE_URL", None,
        description="PostgreSQL 14 or newer, `postgresql://user:password@host/name`. "
        "Unset: `reelgate up` keeps an embedded one under the data directory.",
    )  # fmt: skip
    archive_url: str | None = Field(
        None,
        description="Where videos are kept: `file:///path`, `s3://bucket/prefix`, "
        "`gs://bucket/prefix`, `az://container/prefix`. Unset: `archive` in the data directory.",
    )
    public_url: HttpAddress | None = Field(
        None, description="The address callers use, for links. Unset: made of host and port."
    )

    # How it runs
    profile: Profile = Field(
        Profile.DEVELOPMENT,
        description="`production` refuses the simulator, a missing signing secret and embedded "
        "PostgreSQL.",
    )
    data_dir: Path = Field(Path("data"), description="Folder of everything `reelgate up` keeps.")
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port the API listens on.")
    signing_secret: SecretStr | None = Field(
        None,
        description="Secret that signs video links, at least 32 characters, the same for every "
        "process. Unset in development: made once and kept in the data directory.",
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
        10, ge=2, le=200, description="Connections to PostgreSQL each process keeps at most."
    )
    worker_concurrency: int = Field(
        200, ge=1, le=2000, description="Upstream calls one worker process has in flight at most."
    )
    worker_poll_seconds: Seconds = Field(
        0.5, description="How often an idle worker looks for jobs that are due."
    )
    worker_heartbeat_seconds: Seconds = Field(
        3, description="How often a worker process gives a sign of life."
    )
    worker_stalled_seconds: Seconds = Field(
        15,
        description="Silence after which a worker is taken for dead and its jobs are given to "
        "others; at least three signs of life long.",
    )
    worker_metrics_port: int = Field(
        0, ge=0, le=65535, description="Port `reelgate worker` shows its metrics on; 0: none."
    )
    archive_concurrency: int = Field(
        4, ge=1, le=64, description="Videos one worker process archives at a time."
    )
    drain_seconds: Seconds = Field(
        30, description="How long a stopping process lets requests and upstream calls finish."
    )

    drain_notice_seconds: float = Field(
        0, ge=0, le=600,
        description="How long a stopping API goes on taking requests while /readyz says 503, for "
        "balancers to notice.",
    )  # fmt: skip

    # What callers get
    wait_seconds: Seconds = Field(
        900, description="How long POST /api/features waits for the video before answering 202."
    )
    max_waiting: int = Field(
        10_000, ge=1, description="Requests one API process lets wait for a video at a time."
    )
    max_waiting_per_member: int = Field(
        200, ge=1, description="Of these, how many may be one member's."
    )
    max_connections: int = Field(
        20_000, ge=1, description="Connections one API process keeps; more are closed at once."
    )
    head_seconds: Seconds = Field(
        10, description="How long a client may take to send a request's headers."
    )
    body_seconds: Seconds = Field(
        60, description="How long a client may take to send a request's body."
    )
    link_seconds: Seconds = Field(604_800, description="How long a signed video link is valid.")
    idempotency_seconds: Seconds = Field(
        172_800, description="How long an Idempotency-Key is remembered."
    )
    max_body_bytes: int = Field(
        1_048_576, ge=1024, description="Largest request body that is read."
    )

    # What a new member may do
    member_credit_limit: int = Field(
        15_000_000, ge=0, description="Credit limit of a member created without one."
    )
    member_rate_per_minute: int = Field(
        60, ge=1, le=60_000, description="Creates per minute of a member created without a rate."
    )
    member_rate_burst: int = Field(
        20, ge=1, le=60_000, description="Creates in a row of a member created without a burst."
    )
    member_max_open: int = Field(
        20, ge=1, description="Open generations of a member created without a cap."
    )
    operator_team: str = Field(
        "default",
        description="Team whose administrators operate the whole gateway over the API.",
    )
    prices_file: Path | None = Field(
        None, description="TOML file that replaces the shipped price table."
    )

    # How the upstream is treated
    upstream_async: bool = Field(
        True,
        description="Ask the upstream to answer at once and poll for the result; `false` holds "
        "the connection until the video exists.",
    )
    upstream_rate_per_minute: int = Field(
        180, ge=1, le=60_000, description="Requests per minute each upstream key may make."
    )
    upstream_connect_seconds: Seconds = Field(
        10, description="How long connecting to the upstream may take."
    )
    upstream_read_seconds: Seconds = Field(
        900, description="How long the upstream may take to answer a submission."
    )
    breaker_failures: int = Field(
        5, ge=1, description="Submissions in a row without an answer that stop further ones."
    )
    breaker_seconds: Seconds = Field(
        15, description="How long the breaker stays open before the upstream is probed."
    )
    poll_first_seconds: Seconds = Field(
        60, description="When a result is first asked for while there is no history of its kind."
    )
    poll_seconds: Seconds = Field(10, description="Least time between two looks at one result.")
    queue_seconds: Seconds = Field(
        86_400, description="How long a generation may stay queued before it fails, released."
    )
    running_seconds: Seconds = Field(
        3_600, description="How long the upstream may take before a generation becomes unknown."
    )
    unknown_seconds: Seconds = Field(
        604_800, description="How long an unknown generation with an upstream id is polled on."
    )
    download_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("s3.us-east-1.amazonaws.com", "asset.1min.ai"),
        description="Hosts videos are downloaded from, comma separated; nothing else is fetched.",
    )
    max_video_bytes: int = Field(
        1_073_741_824, ge=1024, description="Largest video that is archived."
    )

    # The simulator
    simulator_url: HttpAddress | None = Field(
        None,
        description="Address of a `reelgate simulate` that stands in for the upstream; "
        "refused in production.",
    )
    simulator_port: int = Field(
        8090, ge=0, le=65535, description="Port the simulator listens on, on loopback."
    )
    simulator_speed: float = Field(
        60, gt=0, le=100_000,
        description="How many times faster than life the simulator renders; 1 is seven minutes.",
    )  # fmt: skip
    simulator_one_film: bool = Field(
        False,
        description="The simulator renders one film for each set of options, without the prompt in "
        "the picture: for load tests, which would else measure the rendering.",
    )

    @field_validator("download_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigurationError(_one_sentence(error)) from None

    @property
    def simulated(self) -> bool:
        return self.simulator_url is not None

    @property
    def upstream_url(self) -> str:
        return self.simulator_url or self.onemin_base_url

    @property
    def link_base(self) -> str:
        """Scheme, host and port of links, without a slash at the end."""
        if self.public_url is not None:
            return self.public_url
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def archive_address(self) -> str:
        return self.archive_url or (self.data_dir / "archive").resolve().as_uri()

    def upstream_keys(self) -> dict[str, str]:
        """Label → key. Raises `ConfigurationError` for an empty or repeated entry."""
        if self.onemin_api_key is None:
            return {"simulator": "simulator"} if self.simulated else {}
        keys: dict[str, str] = {}
        for number, entry in enumerate(self.onemin_api_key.get_secret_value().split(","), start=1):
            label, _, key = entry.strip().rpartition("=")
            label = label or f"key-{number}"
            if not re.fullmatch(r"[!-~]+", key) or label in keys or key in keys.values():
                raise ConfigurationError(
                    f"ONEMIN_API_KEY: entry {number} is empty, repeated, or has characters a "
                    "header cannot carry; give one key, or several as label=key,label=key."
                )
            keys[label] = key
        return keys

    def checked(self) -> Self:
        """These settings, or `ConfigurationError` with one sentence that says what to set."""
        self.upstream_keys()
        secret = self.signing_secret
        if secret is not None and len(secret.get_secret_value()) < 32:
            raise ConfigurationError(
                "REELGATE_SIGNING_SECRET must have at least 32 characters; "
                "`openssl rand -hex 32` makes one."
            )
        if not re.match(r"^(file:///|s3://|gs://|az://|memory://)", self.archive_address):
            raise ConfigurationError(
                "REELGATE_ARCHIVE_URL must begin with file:///, s3://, gs:// or az://."
            )
        database = self.database_url
        if database is not None and not re.match(
            r"^postgres(ql)?(\+psycopg)?://", database.get_secret_value()
        ):
            raise ConfigurationError(
                "DATABASE_URL must be a PostgreSQL address, postgresql://user:password@host/name."
            )
        if self.worker_stalled_seconds < 3 * self.worker_heartbeat_seconds:
            raise ConfigurationError(
                "REELGATE_WORKER_STALLED_SECONDS must be at least three times "
                "REELGATE_WORKER_HEARTBEAT_SECONDS, or living workers are taken for dead."
            )
        if self.simulator_url is not None and not _is_loopback(self.simulator_url):
            raise ConfigurationError("REELGATE_SIMULATOR_URL must be a loopback address.")
        if self.profile is Profile.PRODUCTION:
            self._check_production()
        return self

    def _check_production(self) -> None:
        if self.simulator_url is not None:
            raise ConfigurationError(
                "The production profile refuses the simulator: unset REELGATE_SIMULATOR_URL and "
                "set ONEMIN_API_KEY."
            )
        if self.onemin_api_key is None:
            raise ConfigurationError("The production profile needs ONEMIN_API_KEY.")
        if self.signing_secret is None:
            raise ConfigurationError(
                "The production profile needs REELGATE_SIGNING_SECRET; "
                "`openssl rand -hex 32` makes one."
            )
        if self.database_url is None and not self.allow_embedded_postgres:
            raise ConfigurationError(
                "The production profile needs DATABASE_URL, or "
                "REELGATE_ALLOW_EMBEDDED_POSTGRES=true to keep the embedded PostgreSQL."
            )
        if self.public_url is None:
            raise ConfigurationError(
                "The production profile needs REELGATE_PUBLIC_URL, the address callers use."
            )
        if urlsplit(self.onemin_base_url).scheme != "https":
            raise ConfigurationError(
                "The production profile needs an https:// ONEMIN_BASE_URL: the key goes there."
            )


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def environment_name(field: str) -> str:
    """The environment variable of a setting: `port` is `REELGATE_PORT`."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"REELGATE_{field.upper()}"


def _one_sentence(error: ValidationError) -> str:
    """What to set, without echoing the value: it may be a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = str(first["loc"][0]) if first["loc"] else "settings"
    lowered = {environment_name(name).lower(): name for name in Settings.model_fields}
    field = lowered.get(field.lower(), field)
    name = environment_name(field) if field in Settings.model_fields else field
    reason = first["msg"].removeprefix("Value error, ")
    hint = Settings.model_fields[field].description if field in Settings.model_fields else None
    return f"{name}: {reason[0].lower()}{reason[1:]}." + (f" ({hint})" if hint else "")
