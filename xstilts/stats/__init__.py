"""Statistics over result rows and arrays: gains, gaps, intervals; no training code."""
