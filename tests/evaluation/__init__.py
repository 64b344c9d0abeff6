"""Measure decisions of the gateway on sets of labelled texts, and write their tables: `scripts/evaluate`."""
