"""``python -m ivrengine``, and the console script."""

import importlib
import sys


def main() -> None:
    """Run the command that the arguments name; a package that is not installed is one sentence."""
    try:
        importlib.import_module("ivrengine.cli").main()
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.partition(".")[0] in {"", "ivrengine"}:
            raise
        sys.exit(f"ivrengine: the package `{missing}` is missing; run `make install`")


if __name__ == "__main__":
    main()
