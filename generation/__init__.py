"""Prompt to footage to finished picture. Knows no campaign, no placement's name and no sound."""
