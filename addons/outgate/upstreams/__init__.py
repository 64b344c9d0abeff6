"""The ways out: what backends there are, what address, name and credential each has, and the one client that dials them."""
