"""Train and fine-tune language models, leaving a run folder that proves how the weights came to be."""
