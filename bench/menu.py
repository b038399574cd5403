"""The menu call on a real Asterisk: the engine with everything on against bare scripts and the dialplan, in turns.

Answer, prompt, digit (SIP INFO), prompt, hang up. All share this machine with the callers and Asterisk, so the figures of one
run are to be compared with each other and not with another machine's; rounds are interleaved for the same reason.
"""

import asyncio
import dataclasses
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import callers, contenders, processes, report
from bench.contenders import Contender

HELD_SHARE: Final = 0.999
STEP: Final = 25
LOWEST: Final = 25
HIGHEST: Final = 800
LATENCY_PER_S: Final = 50
SETTLE_S: Final = 1.0
"""Between two attempts: what the last one left in Asterisk goes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long it all may take."""

    rounds: int = 3
    offer_s: float = 5.0
    common_per_s: int = 200
    """Where processor time is compared: the rate that the engine must hold."""
    begin_per_s: int = 200


QUICK: Final = Plan(rounds=1, offer_s=4.0, common_per_s=100, begin_per_s=150)


@dataclasses.dataclass(slots=True)
class Score:
    """What one contender reached, round by round."""

    held_per_s: list[int] = dataclasses.field(default_factory=list)
    cpu_ms: list[float] = dataclasses.field(default_factory=list)
    beside_cpu_ms: list[float] = dataclasses.field(default_factory=list)
    asterisk_cpu_ms: list[float] = dataclasses.field(default_factory=list)
    common_success: list[float] = dataclasses.field(default_factory=list)
    reactions_ms: list[float] = dataclasses.field(default_factory=list)

    def row(self) -> report.Row:
        """Return the medians."""
        cuts = statistics.quantiles(self.reactions_ms, n=100)
        return report.Row(
            held_per_s=statistics.median(self.held_per_s),
            cpu_ms=statistics.median(self.cpu_ms),
            beside_cpu_ms=statistics.median(self.beside_cpu_ms),
            asterisk_cpu_ms=statistics.median(self.asterisk_cpu_ms),
            common_success=statistics.median(self.common_success),
            p50_ms=cuts[49],
            p99_ms=cuts[98],
        )


async def _compare(plan: Plan) -> tuple[dict[str, report.Row], list[str]]:
    left_out: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        async with contenders.ready(Path(folder), left_out.append) as found:
            for contender in found:
                await callers.call(contender.did, 40, 4)  # caches and connections warm up
            scores = {contender.name: Score() for contender in found}
            for _ in range(plan.rounds):
                for contender in found:
                    await _weigh(contender, plan, scores[contender.name])
                for contender in found:
                    await _react(contender, plan, scores[contender.name])
                for contender in found:
                    await _climb(contender, plan, scores[contender.name])
    return {name: score.row() for name, score in scores.items()}, left_out


async def _weigh(contender: Contender, plan: Plan, score: Score) -> None:
    """Measure processor time per call at the rate that is common to all."""
    clocks = (contender.cpu_s, contender.beside_cpu_s, processes.asterisk_cpu_s)
    before = [clock() for clock in clocks]
    calls = await callers.call(contender.did, plan.common_per_s, plan.offer_s)
    took = [clock() - began for clock, began in zip(clocks, before, strict=True)]
    kept = (score.cpu_ms, score.beside_cpu_ms, score.asterisk_cpu_ms)
    for figures, used_s in zip(kept, took, strict=True):
        figures.append(1000 * used_s / (calls.done + calls.failed))
    score.common_success.append(calls.success)
    await asyncio.sleep(SETTLE_S)


async def _react(contender: Contender, plan: Plan, score: Score) -> None:
    """Measure how long after a digit the caller is hung up on."""
    calls = await callers.call(contender.did, LATENCY_PER_S, plan.offer_s, digit="2")
    score.reactions_ms.extend(calls.reactions_ms)


async def _climb(contender: Contender, plan: Plan, score: Score) -> None:
    """Find the highest rate at which nearly all calls go to their end, beginning where the last round ended."""
    rate = score.held_per_s[-1] if score.held_per_s else plan.begin_per_s
    if await _holds(contender, rate, plan):
        while rate < HIGHEST and await _holds(contender, rate + STEP, plan):
            rate += STEP
    else:
        rate -= STEP
        while rate > LOWEST and not await _holds(contender, rate, plan):
            rate -= STEP
    score.held_per_s.append(max(rate, 0))


async def _holds(contender: Contender, per_s: int, plan: Plan) -> bool:
    calls = await callers.call(contender.did, per_s, plan.offer_s)
    await asyncio.sleep(SETTLE_S)
    return calls.success >= HELD_SHARE


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return the figures, and write docs/performance.md with them."""
    plan = QUICK if quick else Plan()
    rows, left_out = asyncio.run(_compare(plan))
    if not quick:
        report.write(rows, left_out, common_per_s=plan.common_per_s, rounds=plan.rounds)
    return _figures(rows)


def _figures(rows: dict[str, report.Row]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, row in rows.items():
        for field, value in dataclasses.asdict(row).items():
            figures[f"{name} {field}"] = round(value, 4)
    ours, peer = rows[contenders.ENGINE], rows[contenders.AIOARI]
    figures["held_by_bare_aioari"] = round(ours.held_per_s / max(peer.held_per_s, 1), 3)
    figures["held_per_s"] = ours.held_per_s
    figures["cpu_ms"] = round(ours.cpu_ms, 2)
    figures["p50_ms"] = round(ours.p50_ms, 2)
    figures["p99_ms"] = round(ours.p99_ms, 2)
    return figures


def main(words: Sequence[str]) -> None:
    for name, value in measure(quick="--quick" in words).items():
        print(f"{name:40} {value}")  # noqa: T201 - a command's result


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
