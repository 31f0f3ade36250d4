"""Run the command line: ``python -m amont_provision.install``."""

import sys

from amont_provision.install.cli import main

sys.exit(main())
