"""What stands in front of everything: `guard` asks who may talk to the emulator at all, `gate` lets calls of the API pass."""
