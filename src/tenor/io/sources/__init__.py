"""Where a market comes from: simulated, a folder of files, a connector; all pass one contract check."""
