"""Numbers only: intervals, paired tests, power, kappa. Pure functions, no check and no model is known here."""
