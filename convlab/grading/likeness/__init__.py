"""Find answers that are alike, as a hint for a teacher."""
