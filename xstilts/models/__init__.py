"""Encoders, heads, and the step from one stage to the next."""
