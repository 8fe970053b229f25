"""Every inference that ends in one of the four words; arrays in, and nothing of a zoo or of torch."""
