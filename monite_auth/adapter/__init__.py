"""The kit for adapters: what Monite tokens need in every web framework, and what no framework is needed for."""
