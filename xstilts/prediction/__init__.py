"""Model + slice -> predictions: forward passes, and what is kept of them per example."""
