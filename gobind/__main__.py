"""``python -m gobind``: hands over to the command line in :mod:`gobind.tool.cli`."""

import sys

from gobind.tool.cli import main

if __name__ == "__main__":
    sys.exit(main())
