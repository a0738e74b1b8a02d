"""Measurements beside a peer; `make bench` runs them."""
