"""``python -m gobind``: runs the command line of `gobind.tool.cli`."""

import sys

from gobind.tool.cli import main

if __name__ == "__main__":
    sys.exit(main())
