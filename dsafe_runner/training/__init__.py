"""Recipe to checkpoint: the wing that makes the models the gate looks at. Needs the `train` extra."""
