"""The demo: unmodified SDKs, under policy, to a real model on this machine and back. `scripts/demo` starts it."""
