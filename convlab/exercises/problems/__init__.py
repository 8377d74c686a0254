"""The problems of the course: one file a lesson, each with a list PROBLEMS."""
