"""``python -m minivis``."""

import sys

from minivis.cli import main

if __name__ == "__main__":
    sys.exit(main())
