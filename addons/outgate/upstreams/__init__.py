"""Upstream side: backends, their endpoints, names and credentials, and the one client that dials them."""
