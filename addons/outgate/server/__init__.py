"""Processes and start-up: the supervisor, its workers, the listening socket, and what mitmproxy loads as a script."""
