"""The one place that reads the environment: every `CATALYST_*` variable and `MP_API_KEY`, field by field."""

import os
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from catalyst_assets.constants import Accelerator, Executor
from catalyst_assets.durations import Duration
from catalyst_assets.errors import UsageError
from resources.setting_types import AbsolutePath, Addresses, Place, names_file


class Settings(BaseSettings):
    """Configuration of one installation.

    Values come from keyword arguments, then from the environment (``CATALYST_HOME`` sets ``home``), then from the
    files of the folder that ``CATALYST_SECRETS`` names (``catalyst_redis_url`` sets ``redis_url``).
    """

    # An empty variable is as good as none.
    model_config = SettingsConfigDict(
        env_prefix="CATALYST_", env_ignore_empty=True, frozen=True, extra="forbid"
    )

    home: AbsolutePath = Field(
        Path(".catalyst"), description="Folder of the embedded database, object store and logs."
    )
    database_url: SecretStr | None = Field(
        None,
        description="Owner's URL of an existing PostgreSQL database; no embedded server is started. "
        "Databases `<name>_dagster` and `<name>_mlflow` on the same server are created beside it.",
    )
    database_logins: AbsolutePath | None = Field(
        None,
        description="JSON file with a login a role on that database, for the services, which never have its owner's; "
        "unset, `catalyst up` makes them and keeps them in the home.",
    )
    app_database_url: SecretStr | None = Field(
        None,
        description="URL by which the API reaches the database as its own role; `catalyst up` sets it.",
    )
    dagster_database_url: SecretStr | None = Field(
        None, description="URL by which Dagster's webserver reaches its store; `catalyst up` sets it."
    )
    object_store: Place | None = Field(
        None,
        description="Folder or universal-pathlib URL (s3://…) of raw cache, embeddings, models, MLflow's files and, on S3, "
        "logs of steps: see [deployment](docs/deployment.md#a-bucket).",
    )
    executor: Executor = Field(
        "in_process",
        description="How the steps of a run are executed: `in_process`, `multiprocess`, or `celery` by workers, on as "
        "many machines as you like: see [reliability](docs/reliability.md).",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="URL of the Redis that steps pass through under `celery`; unset, `catalyst up` runs one of the "
        "home's own.",
    )
    redis_port: int = Field(
        6379, ge=1, le=65535, description="Port of that Redis of the home's own, on this machine only."
    )
    worker_patience: Duration = Field(
        timedelta(minutes=10),
        gt=timedelta(0),
        description="How long a step waits for a worker of its queue until its run fails, such as `30min` or `2h`.",
    )
    max_processes: int = Field(
        2, ge=1, description="Step processes of a run under the multiprocess executor."
    )
    shard_size: int = Field(
        128,
        ge=1,
        description="Structures in one shard of a sharded asset; of large crystals fewer are embedded in one.",
    )
    max_shards: int = Field(64, ge=1, description="Most shards of one asset; larger pools get larger shards.")
    heartbeat_seconds: float = Field(10.0, gt=0, description="Time between two heartbeats of a run.")
    loop_interval_seconds: int = Field(1, ge=1, description="Time between two looks of the loop's sensor.")
    stalled_after: Duration = Field(
        timedelta(days=3),
        gt=timedelta(0),
        description="How long a campaign waits for answers or a reviewer until a notice is raised, such as `12h` or `7d`.",
    )
    alert_webhook: str | None = Field(
        None, description="URL that notices of failed runs and stalled campaigns are posted to, as JSON."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Key that posts to webhooks are signed with, as Standard Webhooks does."
    )
    host: str = Field("127.0.0.1", description="Address that every server binds to.")
    allowed_hosts: str | None = Field(
        None,
        description="Further names by which browsers call the servers, such as a reverse proxy's: "
        "`name` or `name:port`, with commas between them. Others are refused.",
    )
    code_location: str | None = Field(
        None,
        pattern=r"^([^:/\s]+:\d+|unix:/\S+)$",
        description="`host:port`, or `unix:` and the path of a socket, of a code location that runs by itself (`catalyst "
        "serve code-location`), for Dagster's webserver and daemon; unset, they load the code themselves.",
    )
    code_port: int = Field(
        4000, ge=1, le=65535, description="Port that `catalyst serve code-location` binds."
    )
    dagster_url: str | None = Field(
        None, description="Where the API finds Dagster's webserver, if that is on another host."
    )
    dagster_port: int = Field(3000, ge=1, le=65535, description="Port of the Dagster webserver.")
    app_port: int = Field(
        8050, ge=1, le=65535, description="Port of the review app, and of the API below `/api/`."
    )
    api_url: str | None = Field(
        None, description="Where the other servers find the API; `catalyst up` sets it."
    )
    api_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port of the API's own process, on this machine only; unset, the one after the review app's.",
    )
    api_workers: int = Field(
        2,
        ge=1,
        le=32,
        description="Processes that answer the API, each with up to ten connections to the database.",
    )
    service_secret: SecretStr | None = Field(
        None,
        description="Key by which the servers of an installation tell the API for whom they ask; `catalyst up` makes one.",
    )
    session_lifetime: Duration = Field(
        timedelta(days=14),
        gt=timedelta(0),
        description="How long somebody stays signed in, such as `12h` or `7d`.",
    )
    trusted_proxy: Addresses | None = Field(
        None,
        description="Addresses or networks, with commas between them, of proxies that say who somebody is: see "
        "[the API](docs/api.md#behind-a-proxy-that-signs-people-in).",
    )
    user_header: str = Field(
        "X-Forwarded-User", pattern=r"^[A-Za-z][A-Za-z0-9-]*$", description="Header in which they say it."
    )
    max_request_bytes: int = Field(
        5_000_000, ge=1000, description="Largest body of a request to the API, files apart."
    )
    max_upload_bytes: int = Field(
        50_000_000, ge=1000, description="Largest file that the API takes: results, attachments."
    )
    mlflow_port: int = Field(5000, ge=1, le=65535, description="Port of the MLflow server.")
    sources_file: AbsolutePath | None = Field(
        None,
        description="YAML file that says what is taken from the sources that are refreshed by schedule.",
    )
    data_folders: str | None = Field(
        None,
        description="Folders, with `:` between them, whose files the configuration of a run may name, as the home's: "
        "see [sources](docs/sources.md).",
    )
    data_endpoints: str | None = Field(
        None,
        description="Addresses, with commas between them, below which the configuration of a run may have data "
        "fetched, as from the sources' own; without a port, any port of that host.",
    )
    vouched_config: str | None = Field(
        None,
        description="Hash of the configuration that a user gave at the command line; `catalyst ingest` sets it.",
    )
    properties_file: AbsolutePath | None = Field(
        None,
        description="YAML file of properties and methods of your own, beside those that ship: "
        "see [properties](docs/properties.md).",
    )
    dft_methods: AbsolutePath | None = Field(
        None,
        description="YAML file of your own methods of the gpaw validator, beside those that ship: "
        "see [validation](docs/validation.md).",
    )
    results_folder: Place | None = Field(
        None,
        description="Folder or URL (s3://…) that files of results are taken from: see [validation](docs/validation.md).",
    )
    work_order_webhook: str | None = Field(
        None,
        description="Address that is told by POST when a batch waits for a laboratory: see "
        "[validation](docs/validation.md).",
    )
    work_order_secret: SecretStr | None = Field(
        None, description="Key that these messages are signed with, so that their receiver can trust them."
    )
    source_retries: int = Field(
        3, ge=0, description="How often a run asks a source again that failed; `catalyst ingest` does not."
    )
    source_pages: int = Field(
        100_000,
        ge=1,
        description="Most pages that one refresh asks a source for; the next one goes on there.",
    )
    retry_delay_seconds: float = Field(
        30.0, ge=0, description="Pause before a source that failed is asked again; doubled each time."
    )
    backbone: str = Field(
        "small_mace",
        description="Network that describes structures: `small_mace`, `schnet`, `dimenet`, the name of a foundation "
        "model (`catalyst models foundation` lists them) or of a potential (`catalyst potentials list`), or the path of a "
        "MACE `.model` file.",
    )
    backbone_sha256: str | None = Field(
        None, description="Hash of that file; a file from elsewhere is not opened without it."
    )
    backbone_head: str | None = Field(
        None, description="Which readout is taken from a file that holds several."
    )
    backbone_pretraining: bool = Field(
        False,
        description="Say `true` to have the network taught every formation energy in `materials` before it is used.",
    )
    accelerator: Accelerator = Field(
        "auto", description="Where networks are trained and run: `auto` takes a GPU if there is one."
    )
    devices_per_training: int = Field(
        1,
        ge=1,
        description="GPUs that a process takes, and that one fine-tuning or pretraining is spread over: see "
        "[backbones](docs/backbones.md#several-gpus).",
    )
    processes_per_device: int = Field(
        1, ge=1, description="Processes that may compute on one GPU at the same time."
    )
    device_patience: Duration = Field(
        timedelta(hours=2),
        gt=timedelta(0),
        description="How long a process waits for a GPU that others have, such as `30min` or `12h`.",
    )
    device_locks: AbsolutePath = Field(
        Path("/tmp/catalyst-devices"),  # noqa: S108 - of all users of the host; see resources/devices/leases.py
        description="Folder by whose files the processes of this host agree on who has which GPU.",
    )
    accept_noncommercial: bool = Field(
        False,
        description="Say `true` if your use of foundation models under non-commercial licences is allowed.",
    )
    model_cache: AbsolutePath | None = Field(
        None, description="Folder of downloaded foundation models; unset, it is `models` in the home."
    )
    foundation_url: str | None = Field(
        None, description="Mirror of https://github.com/ACEsuit that foundation models are fetched from."
    )
    potential: str | None = Field(
        None,
        description="Potential that relaxes ingested structures and computes their hull, such as `sevennet-l3i5`; unset, "
        "none does.",
    )
    potentials_file: AbsolutePath | None = Field(
        None,
        description="YAML file of potentials of your own, beside those that ship: see [potentials](docs/potentials.md).",
    )
    potential_environments: AbsolutePath | None = Field(
        None,
        description="Folder of the environments that potentials need; unset, it is `potentials` in the home.",
    )
    dft_command: str = Field(
        "{python} {script} {job}",
        description="How GPAW is started, such as `srun -n 32 {python} {script} {job}`: the interpreter, the script that "
        "computes and the folder of the calculation are put in. No shell reads it.",
    )
    validator_command: str | None = Field(
        None,
        description="How the program of the validator `command` is started, such as `/opt/vasp/run {job}`: see "
        "[validation](docs/validation.md).",
    )
    dft_wall_time: str = Field(
        "24h",
        description="How long a calculation may take: `36h`, `90min`, seconds, or `1-12:00:00`; `0` is no limit.",
    )
    dft_memory: str = Field(
        "0",
        description="How much memory its processes on this machine may have together: `64GiB`; `0` is no limit.",
    )
    dft_jobs: int = Field(1, ge=1, description="Calculations that run at once.")
    mp_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("MP_API_KEY", "mp_api_key"),
        description="Your key of the Materials Project's interface; it is stored nowhere.",
    )

    @field_validator("backbone")
    @classmethod
    def _absolute_model(cls, backbone: str) -> str:
        return str(Path(backbone).expanduser().absolute()) if names_file(backbone) else backbone

    @property
    def allowed_host_names(self) -> tuple[str, ...]:
        """The names in ``allowed_hosts``, in lower case."""
        names = (self.allowed_hosts or "").split(",")
        return tuple(name for part in names if (name := part.strip().lower()))

    @property
    def embedded(self) -> bool:
        """Whether the database is the home's own."""
        return self.database_url is None and self.database_logins is None

    @property
    def logins_file(self) -> Path:
        """Where the logins of the services on an external database lie."""
        return self.database_logins or self.home / "database-logins.json"

    @property
    def data_folder_paths(self) -> tuple[Path, ...]:
        """The folders in ``data_folders``."""
        parts = (self.data_folders or "").split(os.pathsep)
        return tuple(Path(part).expanduser().absolute() for part in parts if part.strip())

    @property
    def data_endpoint_urls(self) -> tuple[str, ...]:
        """The addresses in ``data_endpoints``."""
        return tuple(part for address in (self.data_endpoints or "").split(",") if (part := address.strip()))

    @property
    def object_store_url(self) -> str:
        """Where raw cache, embeddings and models lie."""
        return self.object_store or str(self.home / "objects")

    @property
    def bucket(self) -> tuple[str, str] | None:
        """Bucket and prefix of an object store on S3, without slashes around them."""
        where = urlsplit(self.object_store_url)
        return (where.netloc, where.path.strip("/")) if where.scheme == "s3" else None

    @property
    def uses_bucket(self) -> bool:
        """Whether anything is read from S3 or written there."""
        return self.bucket is not None or urlsplit(self.results_folder or "").scheme == "s3"

    @property
    def checkpoint_folder(self) -> Path:
        """Where a training that was killed left what it goes on from."""
        return self.home / "checkpoints"

    @property
    def model_cache_folder(self) -> Path:
        """Where downloaded foundation models lie."""
        return self.model_cache or self.home / "models"

    @property
    def potentials_folder(self) -> Path:
        """Where the environments of potentials lie."""
        return self.potential_environments or self.home / "potentials"

    @property
    def dagster_home(self) -> Path:
        """The folder Dagster knows as ``DAGSTER_HOME``."""
        return self.home / "dagster"


def load_settings(**overrides: object) -> Settings:
    """Read the settings, with ``overrides`` (those that are not None) before the environment.

    Raises
    ------
    UsageError
        A variable has a value outside its type or range.
    """
    try:
        given = {name: value for name, value in overrides.items() if value is not None}
        return Settings(_secrets_dir=_secrets_folder(), **given)  # type: ignore[arg-type, call-arg]
    except ValidationError as error:
        problems = "; ".join(
            f"CATALYST_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors(include_input=False)
        )
        raise UsageError(f"Settings are not valid: {problems}.", "Correct or unset the variable.") from None


def _secrets_folder() -> Path | None:
    named = os.environ.get("CATALYST_SECRETS")
    if not named:
        return None
    if not (folder := Path(named)).is_dir():
        raise UsageError(
            f"CATALYST_SECRETS names {folder}, which is no folder.", "Correct or unset the variable."
        )
    return folder


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return load_settings()
