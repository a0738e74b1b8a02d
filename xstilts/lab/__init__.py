"""Generated data in the official file formats, so that a recipe runs with no download."""

# Of a small export (`tests/lab`). It names the folder in a store: other files, another folder.
DIGEST = "538bddc2ec8e3529"
