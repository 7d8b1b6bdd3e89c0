"""Registers the gate for `pytest suites/` in a checkout, installed or not."""

pytest_plugins = ["dsafe_runner.plugin"]
