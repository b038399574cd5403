"""How tests reach the Asterisk that ``make asterisk`` brought up: what ``chroot.sh`` wrote down beside its root.

``IVR_INSTANCE`` (2 to 9) names another instance than the first, as it does for ``chroot.sh``.
"""

import dataclasses
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from tests.sip.message import Address, address_of

CHECKOUT: Final = Path(__file__).resolve().parents[2]
CHROOT: Final = CHECKOUT / "asterisk-conf" / "chroot.sh"


def root() -> Path:
    """Return the root of the instance's file system, whether it is there or not."""
    number = os.environ.get("IVR_INSTANCE", "1")
    standard = CHECKOUT / ".asterisk" / ("root" if number == "1" else f"root-{number}")
    return Path(os.environ.get("IVR_ASTERISK_ROOT") or standard)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Addresses, passwords and folders of one Asterisk."""

    ari_url: str
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
    settings: Path
    """Settings of an engine on this Asterisk."""

    @property
    def sounds(self) -> Path:
        """The folder of what the fallback speaks."""
        return self.root / "var/lib/ivrengine/sounds"


@cache
def access() -> Access:
    """Read what ``chroot.sh up`` wrote."""
    path = Path(f"{root()}.env")
    lines = path.read_text(encoding="utf-8").splitlines()
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    return Access(
        ari_url=said["IVR_ARI_URL"],
        ari_password=said["IVR_ARI_PASSWORD"],
        ami=(said["IVR_AMI_ADDRESS"], int(said["IVR_AMI_PORT"])),
        ami_password=said["IVR_AMI_PASSWORD"],
        sip=(said["IVR_SIP_ADDRESS"], int(said["IVR_SIP_PORT"])),
        carrier=address_of(said["IVR_TRUNK_CONTACT"]),
        agent_password=said["IVR_AGENT_PASSWORD"],
        root=Path(said["IVR_ASTERISK_ROOT"]),
        prompts=Path(said["IVR_PROMPTS_FOLDER"]),
        prompts_as_seen=said["IVR_PROMPTS_AS_SEEN"],
        settings=Path(f"{said['IVR_ASTERISK_ROOT']}.toml"),
    )


def console(command: str) -> str:
    """Return what Asterisk's console answers; needs root."""
    words = [str(CHROOT), "console", command]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout  # noqa: S603 (fixed words)
