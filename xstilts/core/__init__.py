"""The ground floor: declarations, fingerprints, errors, seeds."""
