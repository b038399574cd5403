"""How tests reach the Asterisk that ``make asterisk`` brought up: what ``chroot.sh`` wrote down beside its root.

``IVR_INSTANCE`` (2 to 9) names another instance than the first, as it does for ``chroot.sh``; tests of several nodes use a second
one too, ``IVR_OTHER_INSTANCE`` (without it: the next number). Tests that run side by side (``-n 2``) share no Asterisk: with
``IVR_INSTANCES="1 2 3 4"`` the first worker has 1 and 2, the second 3 and 4.
"""

import dataclasses
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.sip.message import Address, address_of

CHECKOUT: Final = Path(__file__).resolve().parents[2]
CHROOT: Final = CHECKOUT / "asterisk-conf" / "chroot.sh"


def take_own_instances() -> None:
    """Settle which instances are under test in this process, and in those that it starts."""
    instances = os.environ.get("IVR_INSTANCES", "").split()
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    if instances:
        begin = (
            2 * worker % len(instances)
        )  # one that replaces a worker that crashed has a number of its own
        os.environ["IVR_INSTANCE"], os.environ["IVR_OTHER_INSTANCE"] = instances[begin : begin + 2]


def instance() -> str:
    """Return the number of the instance under test."""
    return os.environ.get("IVR_INSTANCE") or "1"


def other_instance() -> str:
    """Return the number of the second instance, of tests that need two."""
    return os.environ.get("IVR_OTHER_INSTANCE") or str(int(instance()) + 1)


def root(number: str | None = None) -> Path:
    """Return the root of an instance's file system, whether it is there or not; without a number, of the one under test."""
    elsewhere = os.environ.get("IVR_ASTERISK_ROOT") if number is None else None
    number = number or instance()
    standard = CHECKOUT / ".asterisk" / ("root" if number == "1" else f"root-{number}")
    return Path(elsewhere or standard)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Addresses, passwords and folders of one Asterisk."""

    instance: str
    ari_url: str
    ari_user: str
    ari_password: str = dataclasses.field(repr=False)
    ami: Address
    ami_password: str = dataclasses.field(repr=False)
    sip: Address
    carrier: Address
    """Where calls go that the engine dials over the trunk."""
    agent_password: str = dataclasses.field(repr=False)
    root: Path
    prompts: Path
    """The folder of prompts, as the engine writes it."""
    prompts_as_seen: str
    missed: Path
    """The folder in which the dialplan writes down the calls that no engine saw."""
    seal_key: str = dataclasses.field(repr=False)
    settings: Path
    """Settings of an engine on this Asterisk."""

    @property
    def ari(self) -> Address:
        """Where ARI listens."""
        parts = urlsplit(self.ari_url)
        return parts.hostname or "", parts.port or 0

    @property
    def sounds(self) -> Path:
        """The folder of what the fallback speaks."""
        return self.root / "var/lib/ivrengine/sounds"


@cache
def access(number: str | None = None) -> Access:
    """Read what ``chroot.sh up`` wrote of an instance; without a number, of the one under test. No file: ``OSError``."""
    path = Path(f"{root(number)}.env")
    lines = path.read_text(encoding="utf-8").splitlines()
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    return Access(
        instance=number or instance(),
        ari_url=said["IVR_ARI_URL"],
        ari_user=said["IVR_ARI_USER"],
        ari_password=said["IVR_ARI_PASSWORD"],
        ami=(said["IVR_AMI_ADDRESS"], int(said["IVR_AMI_PORT"])),
        ami_password=said["IVR_AMI_PASSWORD"],
        sip=(said["IVR_SIP_ADDRESS"], int(said["IVR_SIP_PORT"])),
        carrier=address_of(said["IVR_TRUNK_CONTACT"]),
        agent_password=said["IVR_AGENT_PASSWORD"],
        root=Path(said["IVR_ASTERISK_ROOT"]),
        prompts=Path(said["IVR_PROMPTS_FOLDER"]),
        prompts_as_seen=said["IVR_PROMPTS_AS_SEEN"],
        missed=Path(said["IVR_MISSED_FOLDER"]),
        seal_key=said["IVR_SEAL_KEY"],
        settings=Path(f"{said['IVR_ASTERISK_ROOT']}.toml"),
    )


def chroot(*words: str, number: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run ``chroot.sh`` for an instance; needs root. ``CalledProcessError`` if it fails."""
    environment = os.environ | {"IVR_INSTANCE": number or instance()}
    return subprocess.run(  # noqa: S603 (our own script)
        [str(CHROOT), *words], env=environment, check=True, capture_output=True, text=True
    )


def console(command: str) -> str:
    """Return what Asterisk's console answers; needs root."""
    return chroot("console", command).stdout
