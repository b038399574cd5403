"""``python -m ivrengine``, and the console script."""

from ivrengine.cli import main

if __name__ == "__main__":
    main()
