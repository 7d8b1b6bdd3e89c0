"""The tiny world: sets, training rows and the words both are made of."""
