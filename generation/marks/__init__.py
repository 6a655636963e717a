"""Marks that say whose a film is and how it was made."""
