"""Faces: commands with typed requests, and the command line that prints their answers."""
