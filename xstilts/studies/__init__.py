"""Questions and how they are judged: from finished results to one sentence with estimates."""
