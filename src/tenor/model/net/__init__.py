"""Networks as they are trained, one a file: Equinox modules that the engine compiles. Settings lie one room up."""
