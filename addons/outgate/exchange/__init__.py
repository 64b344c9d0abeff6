"""The life of one request: body, attempts, delivery and closing line, in one task. Knows nothing of mitmproxy."""
