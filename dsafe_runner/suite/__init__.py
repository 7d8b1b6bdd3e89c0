"""The suite language: what a `*.safety.yaml` file may say, and everything that can be wrong with one."""
