import pytest
from release_rows import read_paths
from slips import write_anew


@pytest.fixture
def parse(tmp_path):
    """Write each text (or bytes) to a file and read all files as one split."""

    def run(form, *contents, language="en", task=None):
        paths = []
        for i, content in enumerate(contents):
            raw = content if isinstance(content, bytes) else content.encode()
            paths.append(write_anew(tmp_path / f"file{i}", raw))
        return read_paths(form, paths, language, task)

    return run
