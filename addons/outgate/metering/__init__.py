"""Accounting after the call: charges, cost, prices, audit records and metrics."""
