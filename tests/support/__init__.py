"""Test doubles that several rooms' tests share: providers that follow a script, a real model, clients."""
