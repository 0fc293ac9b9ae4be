"""What a server keeps beside the runs: jobs, accounts, tokens, sessions, approvals, links, a log.

Runs and forecasts stay files (:mod:`tenor.io.runs`, :mod:`tenor.io.history`); a database holds only what several people
and processes change at once. SQLite by default, PostgreSQL by URL; the same code and the same tests for both.
"""
