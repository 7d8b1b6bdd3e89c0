"""The gate inside pytest: hooks, nodes, session. Light at import; plugin.py is the name that pytest loads."""
