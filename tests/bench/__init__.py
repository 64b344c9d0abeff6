"""The bench: the gateway and stock mitmdump side by side in one run. `scripts/bench` starts it."""
