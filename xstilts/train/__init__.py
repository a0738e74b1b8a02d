"""One loop for every kind of task."""
