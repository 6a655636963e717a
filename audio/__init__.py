"""Text to a finished sound track with word times. Knows no video and no campaign."""
