"""``deploy/install.sh``: what pip is told, wherever the checkout is."""

import os
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

INSTALL = Path(__file__).parents[2] / "deploy" / "install.sh"
PYTHON = """#!/bin/sh
# A Python that makes no environment but one that writes down what pip would have read.
[ "$1 $2" = "-m venv" ] || exec {real} "$@"
mkdir -p "$4/bin"
printf '#!/bin/sh\\nprintf "%%s" "$PIP_CONSTRAINT" > told\\n' > "$4/bin/python"
chmod +x "$4/bin/python"
"""


def test_the_constraints_are_found_from_any_folder_and_in_a_checkout_with_blanks(
    tmp_path: Path,
) -> None:
    """Debian's setuptools builds old packages from a folder of its own, and pip parts the variable at blanks."""
    checkout = tmp_path / "iki söz"
    (checkout / "deploy").mkdir(parents=True)
    shutil.copy(INSTALL, checkout / "deploy")
    (checkout / "constraints.txt").write_text("pinned==1\n")
    python = tmp_path / "python"
    python.write_text(PYTHON.format(real=sys.executable))
    python.chmod(0o755)
    subprocess.run(  # noqa: S603 - our own program
        [checkout / "deploy" / "install.sh", python, "environment"],
        check=True,
        capture_output=True,
        timeout=20,
        env=dict(os.environ),
    )
    told = (checkout / "told").read_text()
    assert " " not in told
    named = Path(urllib.request.url2pathname(urllib.parse.urlsplit(told).path))
    assert named == checkout / "constraints.txt"
