"""From what a user gives to a model that can be asked batch by batch."""
