"""The scripts that bring an Asterisk up say clearly what is wrong, and write what they should; no Asterisk needed."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).resolve().parents[2]
CONF: Final = CHECKOUT / "asterisk-conf"
DIALPLAN: Final = CHECKOUT / "dialplan"
PASSWORDS: Final = {
    "IVR_ARI_PASSWORD": "ari-secret",
    "IVR_AMI_PASSWORD": "ami-secret",
    "IVR_AGENT_PASSWORD": "agent-secret",
    "IVR_SEAL_KEY": "0123456789abcdef",
}
ARI_PORT_OF_INSTANCE_9: Final = 8888


def _run(
    script: str, *words: str, path: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("IVR_")}
    plain |= {"PATH": path} if path else {}
    return subprocess.run(  # noqa: S603 (our own scripts)
        [str(CONF / script), *words],
        env=plain | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _tools(folder: Path, *, user: int, without: str = "") -> str:
    """Return a PATH on which one tool is missing and ``id -u`` says who one is; nothing is run that changes the machine."""
    folder.mkdir()
    for place in ("/usr/sbin", "/usr/bin"):
        for tool in Path(place).iterdir():
            link = folder / tool.name
            if tool.name not in {without, "id", "mount", "umount", "chroot"} and not link.exists():
                link.symlink_to(tool)
    (folder / "id").write_text(f"#!/bin/sh\necho {user}\n", encoding="utf-8")
    (folder / "id").chmod(0o755)
    return str(folder)


def test_the_configuration_is_written_whole_and_without_what_was_there_before(
    tmp_path: Path,
) -> None:
    (tmp_path / "sip.conf").write_text("a package's sample", encoding="utf-8")
    done = _run("render.sh", str(tmp_path), **PASSWORDS)
    assert done.returncode == 0, done.stderr
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.conf")}
    assert {path.name for path in CONF.glob("*.conf")} < written
    assert {"extensions.conf", "dialplan/inbound.conf", "instance/pjsip-trunk.conf"} < written
    assert "sip.conf" not in written
    text = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.conf"))
    assert not re.search(r"@[A-Z_]+@", text)


def test_every_included_file_is_written(tmp_path: Path) -> None:
    _run("render.sh", str(tmp_path), **PASSWORDS)
    for path in tmp_path.rglob("*.conf"):
        for included in re.findall(
            r"^#include (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert (tmp_path / included).is_file(), f"{path.name}: {included}"


def test_instances_share_no_port(tmp_path: Path) -> None:
    ports: list[str] = []
    for instance in ("1", "2", "9"):
        target = tmp_path / instance
        assert _run("render.sh", str(target), IVR_INSTANCE=instance, **PASSWORDS).returncode == 0
        text = "".join(
            (target / "instance" / f"{name}.conf").read_text(encoding="utf-8")
            for name in ("http", "manager", "pjsip-transport", "rtp")
        )
        ports += re.findall(r"(?:port = |127\.0\.0\.1:|rtp\w+ = )(\d+)", text)
    assert len(ports) == 15
    assert len(set(ports)) == 15
    assert max(int(port) for port in ports) < 65536


def test_passwords_are_readable_by_the_owner_and_group_only(tmp_path: Path) -> None:
    _run("render.sh", str(tmp_path), **PASSWORDS)
    for path in (tmp_path / "instance").iterdir():
        assert path.stat().st_mode & 0o007 == 0, path.name


@pytest.mark.parametrize("missing", PASSWORDS)
def test_no_configuration_is_written_without_passwords(tmp_path: Path, missing: str) -> None:
    given = {key: value for key, value in PASSWORDS.items() if key != missing}
    done = _run("render.sh", str(tmp_path / "new"), **given)
    assert done.returncode == 2
    assert missing in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("password", ["a b", "a;b", "a|b", "a&b", "a\nb", "ä"])
def test_a_password_that_would_break_a_file_is_refused(tmp_path: Path, password: str) -> None:
    done = _run("render.sh", str(tmp_path), **PASSWORDS | {"IVR_ARI_PASSWORD": password})
    assert done.returncode == 2
    assert "IVR_ARI_PASSWORD may contain only" in done.stderr
    assert password not in done.stderr


def test_a_seal_key_of_another_length_is_refused(tmp_path: Path) -> None:
    done = _run("render.sh", str(tmp_path), **PASSWORDS | {"IVR_SEAL_KEY": "short"})
    assert done.returncode == 2
    assert "IVR_SEAL_KEY must have 16 characters, not 5." in done.stderr


def test_no_password_is_in_the_repository() -> None:
    for path in [*CONF.rglob("*.conf"), *CONF.rglob("*.in")]:
        for value in re.findall(
            r"^(?:password|secret) = (.*)$", path.read_text("utf-8"), re.MULTILINE
        ):
            assert re.fullmatch(r"@[A-Z_]+@", value), path.name


def test_unknown_words_and_instances_are_answered_with_the_usage() -> None:
    assert _run("chroot.sh").returncode == 2
    assert "usage: chroot.sh up | down" in _run("chroot.sh", "start").stderr
    done = _run("chroot.sh", "up", IVR_INSTANCE="ten")
    assert done.returncode == 2
    assert "IVR_INSTANCE must be a number from 1 to 9, not 'ten'." in done.stderr


@pytest.mark.parametrize("command", ["up", "down", "reload", "status", "console", "logs"])
def test_who_is_not_root_is_told_so_and_what_to_do(tmp_path: Path, command: str) -> None:
    path = _tools(tmp_path / "bin", user=1000)
    done = _run("chroot.sh", command, path=path, IVR_ASTERISK_ROOT=str(tmp_path / "root"))
    assert done.returncode == 2
    assert "needs root" in done.stderr
    assert "docker compose up" in done.stderr


def test_a_missing_debootstrap_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    path = _tools(tmp_path / "bin", user=0, without="debootstrap")
    root = str(tmp_path / "root")
    done = _run("chroot.sh", "up", path=path, IVR_INSTANCE="9", IVR_ASTERISK_ROOT=root)
    assert done.returncode == 2
    assert "apt-get install debootstrap" in done.stderr
    assert not (tmp_path / "root").exists()


def test_a_ready_tree_without_asterisk_is_refused(tmp_path: Path) -> None:
    path = _tools(tmp_path / "bin", user=0)
    root, tree = str(tmp_path / "root"), str(tmp_path)
    environment = {"IVR_ASTERISK_ROOT": root, "IVR_ASTERISK_TREE": tree, "IVR_INSTANCE": "9"}
    done = _run("chroot.sh", "up", path=path, **environment)
    assert done.returncode == 2
    assert f"IVR_ASTERISK_TREE is {tree}, but there is no usr/sbin/asterisk in it." in done.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    path = _tools(tmp_path / "bin", user=0)
    with socket.create_server(("127.0.0.1", ARI_PORT_OF_INSTANCE_9)):
        root = str(tmp_path / "root")
        done = _run("chroot.sh", "up", path=path, IVR_INSTANCE="9", IVR_ASTERISK_ROOT=root)
    assert done.returncode == 2
    assert f"Port {ARI_PORT_OF_INSTANCE_9}/tcp (ARI) is in use" in done.stderr


def test_down_and_status_where_nothing_runs_say_so(tmp_path: Path) -> None:
    path, root = _tools(tmp_path / "bin", user=0), str(tmp_path / "root")
    down = _run("chroot.sh", "down", path=path, IVR_ASTERISK_ROOT=root)
    assert (down.returncode, down.stdout) == (0, f"Asterisk is not running in {root}.\n")
    status = _run("chroot.sh", "status", path=path, IVR_ASTERISK_ROOT=root)
    assert (status.returncode, status.stderr) == (1, f"Asterisk is not running in {root}.\n")


DEB822: Final = """\
# A comment.
Types: deb
URIs: http://mirror.test/debian-security
Suites: trixie-security
Components: main

Enabled: no
Types: deb
URIs: http://disabled.test/debian
Suites: trixie

Types: deb-src
URIs: http://sources.test/debian
Suites: trixie

Types: deb deb-src
URIs: http://mirror.test/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


@pytest.mark.parametrize(
    ("name", "content", "mirror"),
    [
        ("sources.list.d/debian.sources", DEB822, "http://mirror.test/debian"),
        (
            "sources.list",
            "# deb http://no.test/debian trixie main\n"
            "deb http://cloud.test packages main\n"
            "deb-src http://src.test/debian trixie main\n"
            "deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian trixie main\n",
            "http://mirror.test/debian",
        ),
        (
            "sources.list.d/x.list",
            "deb http://mirror.test/debian sid main",
            "http://mirror.test/debian",
        ),
        ("sources.list.d/node.sources", "Types: deb\nURIs: http://n.test\nSuites: nodistro\n", ""),
        ("sources.list", "", ""),
    ],
)
def test_the_mirror_is_read_from_apt_s_own_configuration(
    tmp_path: Path, name: str, content: str, mirror: str
) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    (tmp_path / "os-release").write_text("VERSION_CODENAME=trixie\n", encoding="utf-8")
    script = (CONF / "chroot.sh").read_text(encoding="utf-8")
    function = script[script.index("apt_mirror() {") : script.index("make_tree() {")]
    function = function.replace("/etc/apt", str(tmp_path))
    function = function.replace("/etc/os-release", str(tmp_path / "os-release"))
    done = subprocess.run(  # noqa: S603 (our own function)
        ["/bin/bash", "-euo", "pipefail", "-c", f"{function}\napt_mirror"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == mirror


def test_the_scripts_are_clean() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("there is no shellcheck here")
    scripts = [str(path) for path in sorted(CONF.glob("*.sh"))]
    done = subprocess.run(  # noqa: S603 (our own scripts)
        ["shellcheck", "-x", *scripts],  # noqa: S607 (from the PATH)
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_nothing_in_the_dialplan_calls_out_or_leaves_asterisk() -> None:
    forbidden = r"\b(Dial|Originate|Page|FollowMe|System|TrySystem|AGI|Transfer|SHELL|CURL|FILE)\("
    written = "Set(FILE(${IVR_MISSED_DIR}/missed.log,,,al,u)="
    text = _dialplan()
    assert text.count(written) == 1
    assert not re.search(forbidden, text.replace(written, "Set("))


def _dialplan() -> str:
    """Return all that is done, without what is said about it."""
    lines = [
        line
        for path in DIALPLAN.glob("*.conf")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return "\n".join(line for line in lines if not line.lstrip().startswith(";"))


def test_every_place_that_the_dialplan_goes_to_exists() -> None:
    text = _dialplan()
    contexts = set(re.findall(r"^\[([\w-]+)\]", text, re.MULTILINE)) - {"general", "globals"}
    targets = set(re.findall(r"(?:Gosub\(|Goto\(|b\(|push\)=|[?:])([\w-]+)[,\\^]", text))
    assert {"ivrengine-fallback", "ivrengine-missed", "ivrengine-show-caller"} <= targets
    assert targets <= contexts | {"s"}
    assert "ivrengine-outbound" not in targets


@pytest.mark.parametrize(("wanted", "loads"), [("no", 0), ("yes", 2)])
def test_asterisk_can_fetch_prompts_only_where_that_is_wanted(
    tmp_path: Path, wanted: str, loads: int
) -> None:
    done = _run("render.sh", str(tmp_path), IVR_PROMPTS_BY_HTTP=wanted, **PASSWORDS)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "instance/modules.conf").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("load") for line in lines) == loads
    assert not [line for line in lines if "func_curl.so" in line]


def test_whether_prompts_are_fetched_is_yes_or_no(tmp_path: Path) -> None:
    done = _run("render.sh", str(tmp_path), IVR_PROMPTS_BY_HTTP="perhaps", **PASSWORDS)
    assert (done.returncode, done.stderr) == (
        2,
        "IVR_PROMPTS_BY_HTTP must be yes or no, not 'perhaps'.\n",
    )
