"""The mitmproxy boundary: everything that touches mitmproxy, and nothing that decides a policy."""
