"""Broken flows and what the compiler says of them: one fault each, held against ``broken/expected.txt``.

``python -m tests.flow.golden`` writes the file anew; read the difference before you commit it.
"""

import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Final

from ivrengine.flow.load import load_folder
from ivrengine.flow.outside import Outside, allowed_by

BROKEN: Final = Path(__file__).with_name("broken")
AROUND: Final = BROKEN / "around"
EXPECTED: Final = BROKEN / "expected.txt"
_ROLES: Final = {
    "routing": "routing.yaml",
    "prompts": "prompts.yaml",
    "more-prompts": "prompts/more.yaml",
    "second": "second.yaml",
    "schedules": "schedules.yaml",
}
"""What a broken file is, by what stands before ``--`` in its name; others are the main flow."""
OUTSIDE: Final = Outside(allowed=allowed_by("erp.example.com"), secrets=("erp-token",))
"""What the settings would say of other systems."""
TODAY: Final = date(2026, 11, 22)
_ASKS_THE_OFFICE: Final = """
flow: main
brand: acme
languages: [tr, en]
start: hello
nodes:
  hello: {type: hours, schedule: office, open: bye, closed: shut}
  shut: {type: play, prompt: welcome, next: bye}
  bye: {type: hangup}
"""


def cases() -> list[str]:
    """Return the names of the broken files, and of the folders of files that are broken only together."""
    folders = [path.name for path in BROKEN.iterdir() if path.is_dir() and path != AROUND]
    return sorted([*folders, *(path.stem for path in BROKEN.glob("*.yaml"))])


def said_of(case: str) -> list[str]:
    """Return what the compiler says of a folder in which only this file is broken."""
    name = _ROLES.get(case.partition("--")[0], "main.yaml")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "flows")
        shutil.copytree(AROUND, folder)
        (folder / name).parent.mkdir(exist_ok=True)
        if name == _ROLES["schedules"]:  # or it would be told that no flow asks them
            (folder / "main.yaml").write_text(_ASKS_THE_OFFICE)
        if (BROKEN / case).is_dir():
            shutil.copytree(BROKEN / case, folder, dirs_exist_ok=True)
        else:
            shutil.copyfile(BROKEN / f"{case}.yaml", folder / name)
        _, found = load_folder(folder, OUTSIDE, TODAY)
        return [str(problem).replace(f"{parent}/", "") for problem in found]


def expected() -> dict[str, list[str]]:
    """Return what the golden file says of each case."""
    told: dict[str, list[str]] = {}
    case = ""
    for line in EXPECTED.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            case = line.removeprefix("== ")
            told[case] = []
        elif line:
            told[case].append(line)
    return told


def main() -> None:
    """Write the golden file."""
    parts = ["\n".join([f"== {case}", *said_of(case), ""]) for case in cases()]
    EXPECTED.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
