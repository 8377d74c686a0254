"""Show what was graded: pages for students and for the class, and tables."""
