"""A/B tests from the design to the decision.

Which variants are made (`design`), who gets which (`assignment`), how many impressions it takes (`planning`), what a
platform's export says (`exports`, `joining`), what follows from it (`analysis`, `sequential`), and what the next run
should show (`thompson`). The mathematics is scipy's and statsmodels', and both stay in `inference`.
"""
