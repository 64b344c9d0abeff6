"""Identity of callers: workloads and their tokens, issuers' keys, and what a caller may use."""
