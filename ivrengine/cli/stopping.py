"""How a command that runs until it is told to stop is told so."""

import asyncio
import signal

from ivrengine.engine.stopping import Stopping


def stop_signal() -> asyncio.Event:
    """Return what the first SIGTERM or SIGINT sets; the second ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    return stop


def obey_signals(stopping: Stopping) -> None:
    """Stop at SIGTERM or SIGINT, hurry at the second, end at once at the third; hand over at SIGUSR1."""
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        if stopping.hurried.is_set():
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stopping.ask()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    loop.add_signal_handler(signal.SIGUSR1, stopping.hand_over)
