"""Behaviour tests of policies: the cases beside a policy file, run without a network."""
