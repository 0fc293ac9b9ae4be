"""What is known, and when: sessions, contracts, and the point-in-time tables of a market."""
