"""What a comparison comes to in ten seconds: did teaching help, is it this teacher's own, and what would change that."""
