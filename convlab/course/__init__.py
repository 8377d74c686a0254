"""The course as files: where they lie, how a learner gets a copy to work in, how exercises are made from solutions."""

from convlab.course.lessons import Copied, copy_lessons, course_folder

__all__ = ["Copied", "copy_lessons", "course_folder"]
