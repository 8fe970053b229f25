"""Training: engines that execute the stages of a scheme."""
