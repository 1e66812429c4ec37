"""What belongs to one process: state that a forked child must not inherit, locks, and whether there are siblings. Private."""
