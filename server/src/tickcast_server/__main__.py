"""`python -m tickcast_server`."""

from __future__ import annotations

import sys

from tickcast_server.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
