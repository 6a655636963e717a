"""How much CPU Spotmill spends, measured against the least that the same films could cost."""
