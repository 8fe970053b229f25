"""From a zoo to what sections read: frames, groups of paired runs, readings of every student."""
