"""From official files to token arrays: readers, draws, tokens, batches, leaks."""
