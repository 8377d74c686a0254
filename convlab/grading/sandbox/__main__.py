"""`python -m convlab.grading.sandbox` says, as JSON, which level this machine gives and what hinders a better one."""

import json

from convlab.grading.sandbox.hindrance import hindrance
from convlab.grading.sandbox.levels import Level
from convlab.grading.sandbox.probing import level

if __name__ == "__main__":
    best = level()
    print(json.dumps({"level": best, "hindrance": "" if best is Level.BUBBLEWRAP else hindrance()}))
