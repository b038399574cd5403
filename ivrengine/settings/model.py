"""What can be set: one model per table of the settings file, with defaults that answer calls.

Read once, by ``load``, before anything else happens.
"""

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

import phonenumbers
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ivrengine.flow.outside import AddressError, Outside, allowed_by
from ivrengine.settings.prompts import Prompts
from ivrengine.settings.speech import Speech
from ivrengine.settings.table import Table, expected

PREFIX: Final = "IVRENGINE_"
"""Begins the name of every environment variable that sets something."""
DATABASE_VARIABLE: Final = "DATABASE_URL"
"""Where many hosts put the address of their PostgreSQL."""
_NODE_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_ENDPOINT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_SEAL_KEY: Final = re.compile(r"[!-~]{16}", re.ASCII)
_SECRET_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_TRUNKS_MAX: Final = 64
"""Each is a series of a metric; more carriers than this no node has."""


def _node_name(value: str) -> str:
    if not _NODE_NAME.fullmatch(value):
        raise expected("a name of at most 32 small letters, digits and -, beginning with a letter")
    return value


def _http_url(value: str) -> str:
    sentence = "the address of an Asterisk's HTTP server, such as http://127.0.0.1:8088/"
    try:
        parts = urlsplit(value)
        fits = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, an open bracket
        raise expected(sentence) from None
    if not fits or parts.username or parts.query or parts.path.rstrip("/") not in {"", "/ari"}:
        raise expected(sentence)
    return f"{parts.scheme}://{parts.netloc}/"


def _sounds_url(value: str) -> str:
    sentence = (
        "the address of `prompts.listen` as this Asterisk sees it, such as http://10.0.0.5:9465"
    )
    try:
        parts = urlsplit(value)
        fits = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, an open bracket
        raise expected(sentence) from None
    # Asterisk takes several media of one playback apart at commas.
    if not fits or parts.username or parts.query or parts.fragment or "," in value:
        raise expected(sentence)
    return value.rstrip("/")


def _country(value: str) -> str:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise expected("a country by its two capital letters (ISO 3166), such as TR")
    return value


def _postgres_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise expected("an address such as postgresql://user:password@host/database")
    return value


def _host_and_port(value: str, sentence: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise expected(sentence)
    return value


def _listen(value: str) -> str:
    return _host_and_port(value, "an address and a port to listen on, such as 127.0.0.1:9464")


def _ami(value: str) -> str:
    sentence = "the address and port of an Asterisk's manager interface, such as 127.0.0.1:5038"
    return _host_and_port(value, sentence)


def _endpoint_name(value: str) -> str:
    if not _ENDPOINT_NAME.fullmatch(value):
        raise expected("the name of an endpoint as in pjsip.conf, such as trunk-out")
    return value


def _allowed(value: str) -> str:
    try:
        allowed_by(value)
    except AddressError as error:
        raise expected(str(error)) from None
    return value


def _secret_name(value: str) -> str:
    if not _SECRET_NAME.fullmatch(value):
        raise expected("a name of at most 64 small letters, digits, - and _")
    return value


def _secret(value: object) -> object:
    """Read a secret, or the file that holds it; nothing of it is told if it is none."""
    match value:
        case {"file": str() as file, **others} if not others:
            text = _content(Path(file), "file")
        case str():
            text = value
        case _:
            raise expected("a text, or `{file = …}`")
    # Behind a line's end it would be a header of its own.
    if not text or not text.isascii() or not text.isprintable():
        raise expected("letters, digits and signs of ASCII in one line")
    return text


class AsteriskNode(Table):
    """One Asterisk whose calls the engine answers."""

    name: Annotated[str, AfterValidator(_node_name)]
    """How we call it: part of the ids of all that lives on it, so it stays once calls are recorded."""
    url: Annotated[str, AfterValidator(_http_url)]
    username: str = "ivrengine"
    password: SecretStr | None = None
    password_file: Path | None = None
    """A file that holds nothing but the password, as container secrets do."""
    application: str = "ivrengine"
    """The Stasis application, as the dialplan names it; only one engine can have it at a time."""
    country: Annotated[str, AfterValidator(_country)] = "TR"
    """Where its trunks are: a number without country code belongs there."""
    sounds_dir: Path | None = None
    """The folder of the prompts as the engine writes it; ``sounds`` in the data folder if none is given."""
    sounds_path: str | None = None
    """The same folder as this Asterisk sees it; the same path if none is given."""
    sounds_url: Annotated[str, AfterValidator(_sounds_url)] | None = None
    """Where this Asterisk fetches prompts instead, as it sees ``prompts.listen``; it needs its media cache for that."""
    sounds_form: Literal["alaw", "ulaw", "wav", "sln16"] = "wav"
    """Which form of a prompt it fetches; ``sln16`` is wideband."""
    missed_dir: Path | None = None
    """The folder in which its dialplan writes down the calls that the engine did not see, as the engine sees it."""
    seal_key: SecretStr | None = None
    """What the dialplan seals the callers' numbers in there with: 16 characters."""
    accept_unsafe_version: bool = False
    """Take an Asterisk with known holes all the same."""
    ami: Annotated[str, AfterValidator(_ami)] | None = None
    """Where its manager interface listens; without it nobody tells of phones, trunks and the fallback queue."""
    ami_username: str = "ivrengine"
    ami_password: SecretStr | None = None
    ami_password_file: Path | None = None
    ami_tls: bool = False
    """Speak TLS with the manager interface; its certificate must be good and be its host's."""
    ami_ca_file: Path | None = None
    """Who signed that certificate, where it is not one of the authorities that this machine trusts."""
    trunks: tuple[Annotated[str, AfterValidator(_endpoint_name)], ...] = Field(
        default=(), max_length=_TRUNKS_MAX
    )
    """Its endpoints that are trunks; all others are phones."""

    _secret: str = PrivateAttr(default="")
    _ami_secret: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if (self.password is None) == (self.password_file is None):
            raise expected("one of `password` and `password_file`")
        if self.password is not None:
            self._secret = self.password.get_secret_value()
        elif self.password_file is not None:
            self._secret = _content(self.password_file, "password_file")
        return self

    @model_validator(mode="after")
    def _one_way_of_prompts(self) -> Self:
        if self.sounds_url is not None and (self.sounds_dir or self.sounds_path):
            raise expected("either `sounds_url` or `sounds_dir` and `sounds_path`", "sounds_url")
        return self

    @model_validator(mode="after")
    def _a_seal_key(self) -> Self:
        key = "" if self.seal_key is None else self.seal_key.get_secret_value()
        if self.seal_key is not None and not _SEAL_KEY.fullmatch(key):
            raise expected("16 letters, digits and signs as in IVR_SEAL_KEY", "seal_key")
        return self

    @model_validator(mode="after")
    def _one_ami_password(self) -> Self:
        given = [self.ami_password, self.ami_password_file].count(None)
        if self.ami is None:
            if given < 2 or self.ami_ca_file is not None:  # noqa: PLR2004 - both of them
                raise expected("`ami` beside the other settings that begin with `ami_`")
            return self
        if given != 1:
            raise expected("one of `ami_password` and `ami_password_file`")
        if self.ami_password is not None:
            self._ami_secret = self.ami_password.get_secret_value()
        elif self.ami_password_file is not None:
            self._ami_secret = _content(self.ami_password_file, "ami_password_file")
        # Behind a line's end it would be a header of its own.
        if not self._ami_secret.isprintable() or not self.ami_username.isprintable():
            raise expected("a user and a password of AMI without control characters")
        if self.ami_ca_file is not None:
            if not self.ami_tls:
                raise expected("`ami_tls = true` beside `ami_ca_file`")
            _content(self.ami_ca_file, "ami_ca_file")
        return self

    def secret(self) -> str:
        """Return the password, wherever it was written."""
        return self._secret

    def ami_secret(self) -> str:
        """Return the password of AMI, wherever it was written."""
        return self._ami_secret


def _content(password_file: Path, name: str) -> str:
    sentence = f"a file that the engine can read, found `{password_file}`"
    try:
        return password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise expected(sentence, name) from None


class Journal(Table):
    """The file that each step of a call is written to before anything is done."""

    segment_bytes: int = Field(default=64 * 1024 * 1024, ge=64 * 1024, le=1024**3)
    """A segment that is in the store whole can go; a restart reads the last one."""
    fsync: Literal["never", "group"] = "never"
    """``group``: all but the last 50 ms also survive the death of the machine, for 20 flushes of the disk a second."""


class Limits(Table):
    """Bounds that differ from the engine's own, which ``engine/limits.py`` has with their reasons."""

    calls_max: int | None = Field(default=None, ge=1)
    calls_per_s_max: int | None = Field(default=None, ge=1)
    emergency_share: float | None = Field(default=None, ge=0, le=0.9)
    mailbox_max: int | None = Field(default=None, ge=1)
    type_ahead_max: int | None = Field(default=None, ge=1)
    rounds_max: int | None = Field(default=None, ge=1)
    request_s: float | None = Field(default=None, gt=0)
    look_s: float | None = Field(default=None, gt=0)
    node_lost_s: float | None = Field(default=None, gt=0)
    drain_s: float | None = Field(default=None, ge=0)
    parting_s: float | None = Field(default=None, ge=0)


class Stopping(Table):
    """What becomes of calls that are still in progress when ``limits.drain_s`` is over."""

    then: Literal["fallback", "hand_over"] = "fallback"
    """``hand_over``: they stay as they are for the engine that is started next on the same data."""


class Log(Table):
    """What the engine says of itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "console"


class Metrics(Table):
    """Where Prometheus reads the engine's counters."""

    listen: Annotated[str, AfterValidator(_listen)] | None = None


class Http(Table):
    """Other systems that flows may ask (the node ``http``); none unless they are named."""

    allow: tuple[Annotated[str, AfterValidator(_allowed)], ...] = Field(default=(), max_length=256)
    """Hosts, with their ports if those are not 443; by https, unless ``http://`` stands before or it is this machine."""
    ca_file: Path | None = None
    """Who signs their certificates, where it is not one of the authorities that this machine trusts."""

    @model_validator(mode="after")
    def _authorities(self) -> Self:
        if self.ca_file is not None:
            _content(self.ca_file, "ca_file")
        return self


class Settings(BaseSettings):
    """All settings. Paths that are not absolute begin in the working directory."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    data_dir: Path = Path("data")
    """Journal, embedded PostgreSQL, prompts and keys: all that an engine keeps."""
    flows_dir: Path = Path("flows")
    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)] | None = None
    """Any PostgreSQL from 14 on; the embedded one if none is given."""
    keys_file: Path | None = None
    """The master keys of the numbers vault; ``keys`` in the data folder if none is given, made on the first start."""
    numbers_retention_days: int = Field(default=90, ge=1, le=3650)
    """After so many days a caller's number leaves the vault (KVKK, article 7: no longer than its reason)."""
    asterisk: tuple[AsteriskNode, ...] = Field(default=(), max_length=64)
    journal: Journal = Journal()
    limits: Limits = Limits()
    stopping: Stopping = Stopping()
    log: Log = Log()
    metrics: Metrics = Metrics()
    http: Http = Http()
    speech: Speech = Speech()
    prompts: Prompts = Prompts()
    secrets: dict[
        Annotated[str, AfterValidator(_secret_name)], Annotated[SecretStr, BeforeValidator(_secret)]
    ] = Field(default_factory=dict, max_length=256)
    """What other systems want to be shown, by the names that flows have for it; a text, or the file that holds it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what ``load`` has merged, and nothing behind its back."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [node.name for node in self.asterisk]
        for index, name in enumerate(names):
            if name in names[:index]:
                sentence = f"a name that no other node has, found `{name}` again"
                raise expected(sentence, "asterisk", index, "name")
        return self

    @model_validator(mode="after")
    def _prompts_are_handed_out(self) -> Self:
        for index, node in enumerate(self.asterisk):
            if node.sounds_url is not None and self.prompts.listen is None:
                sentence = "`prompts.listen` beside it, where the engine hands prompts out"
                raise expected(sentence, "asterisk", index, "sounds_url")
        return self

    def outside(self) -> Outside:
        """Return what flows may ask, and with which secrets."""
        allowed = {origin for entry in self.http.allow for origin in allowed_by(entry)}
        return Outside(allowed=allowed, secrets=self.secrets.keys())

    @property
    def keys_path(self) -> Path:
        """Where the master keys are."""
        return self.keys_file or self.data_dir / "keys"

    def sounds_dir(self, node: AsteriskNode | None = None) -> Path:
        """Return the folder that the engine writes this node's prompts to; without a node, those that are fetched."""
        own = None if node is None else node.sounds_dir
        return own or self.data_dir / "sounds"

    def sounds_path(self, node: AsteriskNode) -> str:
        """Return that folder, or its address, as the node sees it."""
        return node.sounds_url or node.sounds_path or str(self.sounds_dir(node).absolute())

    def sounds_suffix(self, node: AsteriskNode) -> str:
        """Return what stands behind a prompt's place there: nothing where Asterisk chooses among the forms by itself."""
        return "" if node.sounds_url is None else f".{node.sounds_form}"
