"""Where tokens, fences, pending revocations and the request budget are kept.

`base` says what a store promises, op by op; every other file here is one way to keep it.
"""
