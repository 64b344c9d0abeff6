"""Choose one of the replicas that are open to a request. Pure: loads, time and randomness are given."""
