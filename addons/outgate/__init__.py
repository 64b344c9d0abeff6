"""Outgate: an AI gateway for traffic that leaves."""
