"""What can be measured between arrays of paired rows: arrays in, a Measurement or a Refusal out."""
