"""What a person looks at: the report as data, its figures, and the page."""
