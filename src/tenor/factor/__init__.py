"""What may matter: factors over a trailing window, the label, and how time is cut into windows and folds."""
