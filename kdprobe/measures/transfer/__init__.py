"""What of a teacher reached a student: arrays or traces in, a `Measurement` or a `Refusal` out."""
