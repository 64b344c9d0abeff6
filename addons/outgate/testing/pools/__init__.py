"""Simulation of a pool of inference servers, to measure how its replicas are picked."""
