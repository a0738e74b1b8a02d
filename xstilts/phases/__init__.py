"""From a recipe to steps, and from finished steps to results. Nothing here imports torch."""
