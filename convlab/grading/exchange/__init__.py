"""Take in the list of a class, and give grades back to Canvas, Moodle and nbgrader."""
