"""How long ``check`` takes over five hundred flows of fifty nodes, and how much memory: the bound is 3 s and 200 MB.

``python -m bench.checking [FLOWS]`` writes the flows into a temporary folder and loads them in this process;
``make bench ARGS=checking`` takes the command, too, which reads them on all cores.
"""

import gc
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from ivrengine.flow.load import load_folder

FLOWS: Final = 500
_ROUND: Final = """
  hello-{n}: {{type: play, prompt: [welcome, hours], barge_in: no, next: menu-{n}}}
  menu-{n}:
    type: menu
    prompt: menu
    invalid_prompt: not-understood
    timeout: 4s
    choices: {{1: ask-{n}, 2: hours-{n}, 0: ring-{n}, "*": menu-{n}}}
    no_input: {{reprompts: [still-there, menu], to: ring-{n}}}
    no_match: ring-{n}
  hours-{n}: {{type: play, prompt: hours, next: menu-{n}}}
  ask-{n}:
    type: collect
    prompt: ask-flat
    into: flat
    max_digits: 4
    next: check-{n}
    no_input: ring-{n}
    no_match: ring-{n}
  check-{n}:
    type: switch
    cases:
      - {{when: flat >= 1 && flat <= {n}80, to: thanks-{n}}}
      - {{when: tries > 2 || caller.withheld, to: ring-{n}}}
    otherwise: count-{n}
  count-{n}: {{type: set, assign: {{tries: tries + 1}}, next: ask-{n}}}
  thanks-{n}: {{type: play, prompt: thanks, next: language-{n}}}
  language-{n}: {{type: language, to: en, next: ring-{n}}}
  ring-{n}:
    type: transfer
    to: reception
    ring_timeout: 25s
    busy: away-{n}
    no_answer: away-{n}
    failed: away-{n}
  away-{n}: {{type: play, prompt: away, next: {onward}}}
"""
_NODES_A_ROUND: Final = 10
_PROMPTS: Final = """
brand: bench
prompts:
  welcome: {tr: Hoş geldiniz., en: Welcome.}
  hours: {tr: Hafta içi dokuzdan altıya kadar buradayız., en: "We are here from nine to six, Monday to Friday."}
  menu:
    tr: Aidat için biri, çalışma saatlerimiz için ikiyi, danışma için sıfırı, tekrar için yıldızı tuşlayın.
    en: For your dues, press one. For our opening hours, two. For reception, zero. To hear this again, press star.
  not-understood: {tr: Anlayamadım., en: I did not get that.}
  still-there: {tr: Orada mısınız?, en: Are you still there?}
  ask-flat: {tr: Lütfen daire numaranızı tuşlayın., en: Please key in your flat number.}
  thanks: {tr: Teşekkürler., en: Thank you.}
  away: {tr: Danışmamıza ulaşamıyorum., en: Nobody at reception can answer just now.}
"""


def write(folder: Path, flows: int = FLOWS, nodes: int = 50) -> None:
    """Write so many flows of so many nodes, and what belongs to them, into the folder."""
    routes = "".join(f'      - {{did: "+90212{n:07}", flow: flow-{n}}}\n' for n in range(flows))
    routing = f"brands:\n  bench:\n    name: Bench\n    country: TR\n    routes:\n{routes}"
    routing += "    phones: {reception: {endpoint: PJSIP/reception}}\n"
    (folder / "routing.yaml").write_text(routing, encoding="utf-8")
    (folder / "prompts.yaml").write_text(_PROMPTS, encoding="utf-8")
    rounds = nodes // _NODES_A_ROUND
    onward = [f"hello-{n + 1}" for n in range(1, rounds)] + ["bye"]
    body = "".join(_ROUND.format(n=n, onward=to) for n, to in enumerate(onward, start=1))
    for number in range(flows):
        head = (
            f"flow: flow-{number}\nbrand: bench\nlanguages: [tr, en]\nstart: hello-1\n"
            "variables: {flat: {type: int}, tries: {type: int, default: 0}}\nnodes:"
        )
        text = f"{head}{body}  bye: {{type: hangup}}\n"
        (folder / f"flow-{number}.yaml").write_text(text, encoding="utf-8")


def measure() -> dict[str, float]:
    """Return how long the command takes from its start to its end, and loading in a process that has begun."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        began = time.perf_counter()
        command = (sys.executable, "-m", "ivrengine", "check", name)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        checked_s = time.perf_counter() - began
        gc.disable()  # as an engine has it while it loads
        began = time.perf_counter()
        _, found = load_folder(folder)
        loaded_s = time.perf_counter() - began
        gc.enable()
    assert not found, str(found[0])
    return {"checked_s": round(checked_s, 2), "loaded_s": round(loaded_s, 2)}


def main() -> None:
    """Measure, and print what was measured."""
    flows = int(sys.argv[1]) if len(sys.argv) > 1 else FLOWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, flows)
        gc.disable()  # as the command has it
        began, began_cpu = time.perf_counter(), time.process_time()
        book, found = load_folder(folder)
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"{len(book.flows)} flows, {len(found)} problems: {wall_s:.2f} s, {cpu_s:.2f} s of CPU, peak {peak_mb:.0f} MB\n"
    )


if __name__ == "__main__":
    main()
