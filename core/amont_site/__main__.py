"""Run ``python -m amont_site``."""

import sys

from amont_site.cli import main

sys.exit(main())
