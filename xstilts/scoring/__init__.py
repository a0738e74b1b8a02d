"""Predictions -> numbers, with the floor beside every one."""
