"""Find and read what students handed in; nothing of it is trusted, followed or run."""
