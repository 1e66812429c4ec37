"""What tests and the live page ask of the emulator: it is no part of Monite."""
