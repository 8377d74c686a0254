"""Untrusted notebooks to scores: sandbox, grader, gradebook, reports, exchange with nbgrader and the LMSs."""
