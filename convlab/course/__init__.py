"""The course as files: where the lessons lie, and how a learner gets a copy to work in."""

from convlab.course.lessons import Copied, copy_lessons, lessons_folder

__all__ = ["Copied", "copy_lessons", "lessons_folder"]
