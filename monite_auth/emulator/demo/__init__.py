"""The data that an emulator begins with, unless it is told otherwise."""
