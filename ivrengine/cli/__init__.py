"""The commands. Each is a module here; this one only gathers them."""

import typer


def main() -> None:
    """Run the command that the arguments name."""
    _gathered()()


def _gathered() -> typer.Typer:
    # Imported here: ``import ivrengine.cli.<one>`` must not load all others, and --help of one needs only that one.
    from ivrengine.cli import calls, check, demo, prompts, serve, walk  # noqa: PLC0415

    gathered = typer.Typer(
        name="ivrengine",
        help="The call-centre engine: flows as code, on stock Asterisk.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    gathered.command("serve")(serve.serve)
    gathered.command("check")(check.check)
    gathered.command("demo")(demo.demo)
    gathered.command("call")(walk.call)
    gathered.add_typer(calls.app, name="calls")
    gathered.add_typer(prompts.prompts, name="prompts")
    return gathered
