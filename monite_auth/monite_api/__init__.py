"""What is Monite's own: paths, headers, grants, bodies and errors of its API. Pure: no I/O, no clock, no state.

Another version or dialect of the API is a change in this folder and nowhere else.
"""
