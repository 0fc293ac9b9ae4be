"""Where a market comes from: simulated, a folder of files, or a connector; all pass the same contract check."""
