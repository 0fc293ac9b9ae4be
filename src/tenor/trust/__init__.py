"""Should I believe it: the walk forward, scores, significance, the audit for leaks, the count of trials."""
