"""The lines that the dialplan leaves of calls that the engine did not see: read from the file, and heard as events of AMI."""

import base64
import dataclasses
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.live.access import Access, access
from tests.live.ami import Ami

FIELDS: Final = (
    "version",
    "ended",
    "kind",
    "uniqueid",
    "did",
    "sealed",
    "shown",
    "arrived",
    "waited",
    "status",
    "member",
    "cause",
)
SALT: Final = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line, its fields as they are written."""

    text: str

    def __getitem__(self, name: str) -> str:
        return self.text.split("|")[FIELDS.index(name)]

    @property
    def is_whole(self) -> bool:
        return self.text.count("|") == len(FIELDS) - 1 and self.text.isprintable()

    def number(self, access: Access) -> str:
        """Return the number as it came."""
        cipher = Cipher(algorithms.AES(access.seal_key.encode()), modes.ECB()).decryptor()  # noqa: S305 (as AES_ENCRYPT does)
        return cipher.update(base64.b64decode(self["sealed"])).rstrip(b"\0").decode()[SALT:]


class Missed:
    """What is written from now on."""

    def __init__(self, ami: Ami) -> None:
        self._ami = ami
        self._file = access().missed / "missed.log"
        self._read = len(_content(self._file))

    def written(self) -> list[Line]:
        """Return all lines since the beginning."""
        return [Line(text) for text in _content(self._file)[self._read :].decode().splitlines()]

    async def one(self, kind: str, within_s: float = 10.0) -> Line:
        """Wait for the event of that kind, and return the line: the only one, and the same in both places."""
        told = await self._ami.packet(
            lambda each: each.get("UserEvent") == "IvrMissed" and f"|{kind}|" in each["Line"],
            within_s,
        )
        (line,) = self.written()
        assert line.text == told["Line"]
        assert line.is_whole
        assert line["version"] == "1"
        assert line["kind"] == kind
        return line


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""
