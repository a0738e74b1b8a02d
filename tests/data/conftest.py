import pytest
from release_rows import read_paths


@pytest.fixture
def parse(tmp_path):
    """Write each text (or bytes) to a file and read all files as one split."""

    def run(form, *contents, language="en", task=None):
        paths = []
        for i, content in enumerate(contents):
            path = tmp_path / f"file{i}"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            paths.append(path)
        return read_paths(form, paths, language, task)

    return run
