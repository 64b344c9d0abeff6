"""Client-side protocol engine: mitmproxy's layers and connections, and nothing that decides a policy."""
