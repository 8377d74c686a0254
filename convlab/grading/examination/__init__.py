"""Ask a notebook's functions in a sandbox, and judge what comes back."""
