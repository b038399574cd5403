"""The results of scripted calls in the XML that CI systems read (JUnit's, as pytest and Jenkins write and read it)."""

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from ivrengine.testing.playing import Played

_FORBIDDEN: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def junit(played: Sequence[Played], told: Callable[[Played], str]) -> str:
    """Return the XML; ``told`` gives the text of a failure."""
    failures = sum(each.failure is not None for each in played)
    root = ET.Element("testsuites", tests=str(len(played)), failures=str(failures), errors="0")
    for file, calls in itertools.groupby(played, key=lambda each: each.script.file):
        _suite(root, file, list(calls), told)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(
    root: ET.Element, file: str, calls: Sequence[Played], told: Callable[[Played], str]
) -> None:
    failures = sum(each.failure is not None for each in calls)
    suite = ET.SubElement(
        root, "testsuite", name=file, tests=str(len(calls)), failures=str(failures), errors="0"
    )
    for each in calls:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=each.script.flow.ref.name,
            name=_clean(each.script.name),
            file=file,
            line=str(each.script.line),
            time=f"{each.took_s:.4f}",
        )
        if each.failure is not None:
            message = _clean("; ".join(each.failure.sentences))
            failure = ET.SubElement(case, "failure", message=message)
            failure.text = _clean(told(each))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
