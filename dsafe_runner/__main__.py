"""`python -m dsafe_runner`, where the `dsafe` script is not on the path."""

from __future__ import annotations

import sys

from dsafe_runner.cli import main

sys.exit(main())
