"""How good a model is: held-out loss, scores of generated answers, and how sure they are."""
