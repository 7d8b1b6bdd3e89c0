"""Code written by a model runs in here and nowhere else; mathematics is compared where a hang can be killed."""
