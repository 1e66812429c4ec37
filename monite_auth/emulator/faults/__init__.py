"""What goes wrong on purpose: `kinds` says what a fault is, and `in_force` which request it hits."""
