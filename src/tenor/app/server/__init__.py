"""The server: the commands over HTTP, long ones as jobs, and pages in a browser."""
