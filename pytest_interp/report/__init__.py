"""What people look at after a run of specs: terminal, JSON, HTML, Markdown, review, comparison."""
