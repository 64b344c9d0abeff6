"""Names and addresses on the network, decided without touching it."""
