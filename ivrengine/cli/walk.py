"""``ivrengine call FLOW``: a person walks through a flow in the terminal, reading what a caller would hear.

The flow runs on the real engine and a simulated switch, with a journal in a folder of its own that is thrown away: no
PostgreSQL, and nothing of a running engine is touched. At a terminal time is real; elsewhere it is virtual.
"""

import asyncio
import contextlib
import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from ivrengine.cli import complaints, keypad, walking
from ivrengine.core.ids import BrandId
from ivrengine.flow.book import Book, Routes
from ivrengine.flow.load import load_folder
from ivrengine.flow.model import Flow
from ivrengine.flow.problems import Problem, Severity, did_you_mean
from ivrengine.numbers import normal
from ivrengine.sim.clock import run_virtual
from ivrengine.telemetry import logs
from ivrengine.testing import given

WITHHELD: Final = "withheld"
ROUTING: Final = "routing.yaml"
DAY_FORM: Final = "a date and a time such as 2026-11-23 10:30"
UNROUTED: Final = "+902120000000"
"""The number dialled for a flow that no number leads to."""


class PhoneAnswers(StrEnum):
    """What the phones that a flow rings do."""

    ASK = "ask"
    ANSWER = "answer"
    BUSY = "busy"
    NO_ANSWER = "no-answer"


def call(
    flow: Annotated[str, typer.Argument(help="A flow by its name, its file, or a number.")],
    number: Annotated[
        str, typer.Option("--from", help="The number to call from, or withheld.")
    ] = WITHHELD,
    language: Annotated[
        str | None, typer.Option(help="The language to begin in; the flow's first if none.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="When the call begins: 2026-11-23 10:30, in the flow's time zone unless one stands behind it; now if "
            "nothing is said."
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", help="A first value of a variable: flat=112; may be given again."),
    ] = None,
    phones: Annotated[
        PhoneAnswers, typer.Option(help="What the phones do that the flow rings.")
    ] = PhoneAnswers.ASK,
    flows: Annotated[Path | None, typer.Option(help="The folder of flows.")] = None,
    config: Annotated[Path | None, complaints.CONFIG] = None,
) -> None:
    """Walk through a flow: what is heard is printed, keys are typed, h or Ctrl-D hangs up."""
    folder = flows or complaints.settings(config).flows_dir
    logs.configure(level="error", style="console")
    file = Path(flow)
    is_file = file.suffix in {".yaml", ".yml"} and file.is_file()
    if is_file:
        folder = _folder_of(file)
    complaints.need_folder(folder)
    book, problems = load_folder(folder)
    chosen = _by_file(book, file, problems) if is_file else _by_name(book, flow, problems, folder)
    spoken = _with_values(_speaking(chosen, language), values or ())
    did = _did(book, chosen, flow)
    walk = walking.Walk(
        book=dataclasses.replace(
            book,
            flows={**book.flows, (chosen.brand, chosen.ref.name): spoken},
            routes=Routes(exact={did: (chosen.brand, chosen.ref.name)}),
        ),
        flows_dir=folder,
        did=did,
        number=_number(book, chosen.brand, number),
        at=None if at is None else _instant(chosen, at),
        phones=None if phones is PhoneAnswers.ASK else phones.value,
    )
    with tempfile.TemporaryDirectory(prefix="ivrengine-call-") as journal:
        _run(walk, Path(journal))


def _run(walk: walking.Walk, journal: Path) -> None:
    if not sys.stdin.isatty():
        run_virtual(walking.walk(walk, journal, keypad.Lines(sys.stdin.readline)))
        return
    with (
        keypad.raw(sys.stdin.fileno()),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(walking.walk(walk, journal, keypad.Keys(sys.stdin.fileno())))


def _by_name(book: Book, wanted: str, problems: Sequence[Problem], folder: Path) -> Flow:
    """Return the flow that is meant by a name or a number; exits if there is none, or if it has errors."""
    named = [flow for (_, name), flow in book.flows.items() if name == wanted]
    if len(named) > 1:
        brands = ", ".join(sorted(flow.brand for flow in named))
        complaints.bad_usage(f"more than one brand has a flow {wanted} ({brands}); name its file")
    if named:
        return named[0]
    routed = book.route(_dialled(book, wanted))
    if routed is not None:
        return routed
    errors = list(_errors(problems))
    if errors:
        complaints.failed(*errors, f"there is no flow {wanted} in {folder} without errors")
    known = [name for _, name in book.flows]
    return complaints.bad_usage(
        f"there is no flow or number `{wanted}` in {folder}{did_you_mean(wanted, known)}"
    )


def _folder_of(file: Path) -> Path:
    """Return the folder of flows that the file is part of: the nearest one with a routing file."""
    routed = (folder for folder in file.resolve().parents if (folder / ROUTING).is_file())
    return next(routed, file.parent)


def _by_file(book: Book, file: Path, problems: Sequence[Problem]) -> Flow:
    text = file.read_text(encoding="utf-8", errors="replace")
    for flow in book.flows.values():
        if flow.text == text:
            return flow
    return complaints.failed(*_errors(problems), f"{file} is not a flow that could answer a call")


def _errors(problems: Sequence[Problem]) -> Iterator[str]:
    return (str(problem) for problem in problems if problem.severity is Severity.ERROR)


def _speaking(flow: Flow, language: str | None) -> Flow:
    """Return the flow so that its calls begin in that language."""
    if language is None:
        return flow
    if language not in flow.languages:
        spoken = ", ".join(flow.languages)
        complaints.bad_usage(f"the flow {flow.ref.name} speaks {spoken}, not {language}")
    others = tuple(each for each in flow.languages if each != language)
    return dataclasses.replace(flow, languages=(language, *others))


def _with_values(flow: Flow, values: Sequence[str]) -> Flow:
    """Return the flow so that its variables begin with these values, each written ``flat=112``."""
    initial = dict(flow.initial)
    for each in values:
        name, sign, written = each.partition("=")
        if not sign:
            complaints.bad_usage(
                f"--set: expected a variable and its value such as flat=112, found `{each}`"
            )
        if name not in initial:
            perhaps = did_you_mean(name, initial)
            complaints.bad_usage(
                f"--set: the flow {flow.ref.name} has no variable `{name}`{perhaps}"
            )
        try:
            initial[name] = given.value(written, initial[name])
        except ValueError as error:
            complaints.bad_usage(f"--set: expected {error} for `{name}`, found `{written}`")
    return dataclasses.replace(flow, initial=initial)


def _instant(flow: Flow, written: str) -> datetime:
    """Return the instant that is written, in the flow's time zone if none is named and the flow has one."""
    zones = _zones(flow)
    for text in (written, *(f"{written} {zone}" for zone in zones)):
        with contextlib.suppress(ValueError):
            return given.instant(text)
    form = DAY_FORM if zones else given.CLOCK_FORM
    return complaints.bad_usage(f"--at: expected {form}, found `{written}`")


def _zones(flow: Flow) -> list[str]:
    """Return the time zone of the flow, or else of the schedules that it asks; none if there is not just one."""
    all_flows = (flow, *flow.subflows.values())
    asked = {str(found.zone) for each in all_flows for found in each.kit.schedules.values()}
    zones = asked if flow.kit.zone is None else {str(flow.kit.zone)}
    return list(zones) if len(zones) == 1 else []


def _dialled(book: Book, wanted: str) -> str:
    """Return the number as it is routed, whichever way a person writes it."""
    countries = {brand.country for brand in book.brands.values()}
    forms = (normal.did(wanted, country) for country in sorted(countries))
    return next((form for form in forms if book.route(form) is not None), wanted)


def _did(book: Book, flow: Flow, wanted: str) -> str:
    """Return the number that is dialled: the one that was asked for, else one that leads to the flow."""
    dialled = _dialled(book, wanted)
    if book.route(dialled) is not None:
        return dialled
    leads = (
        brand_and_name == (flow.brand, flow.ref.name)
        for brand_and_name in book.routes.exact.values()
    )
    return next((did for did, here in zip(book.routes.exact, leads, strict=True) if here), UNROUTED)


def _number(book: Book, brand: BrandId, raw: str) -> str | None:
    if raw == WITHHELD:
        return None
    known = book.brands.get(brand)
    number = normal.e164(raw, known.country if known else "TR")
    if number is None:
        complaints.bad_usage(
            "--from: expected a phone number such as 0532 123 45 67 or +44 20 7946 0000, or withheld"
        )
    return number
