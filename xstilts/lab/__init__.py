"""Generated data in the official file formats, so that a recipe runs with no download."""
