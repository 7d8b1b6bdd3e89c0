"""The other side of conftest.OrdinaryUser: runs programs that come as JSON lines."""

from __future__ import annotations

import json
import sys

from dsafe_runner.errors import UnavailableError
from dsafe_runner.sandbox.bubblewrap import Sandbox
from dsafe_runner.sandbox.runs import Limits

sandbox = None
for line in sys.stdin:
    asked = json.loads(line)
    try:
        sandbox = sandbox or Sandbox()
    except UnavailableError as error:
        print(json.dumps({"unavailable": str(error)}), flush=True)
        continue
    run = sandbox.run(asked["program"], asked["stdin"].encode(), Limits(**asked["limits"]))
    said = {"verdict": run.verdict, "stdout": run.stdout.decode("utf-8", "replace"), "detail": run.detail}
    print(json.dumps(said), flush=True)
