"""State of the gateway: accounts (journal, leases, ledger), answers and memos.

A budget is shared by processes without a transaction per request: each worker leases slices of it from the ledger, reserves in
memory, and appends to a journal of its own; the ledger is the fold of all journals.
"""
