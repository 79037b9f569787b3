"""The parts of an undo: what is taken back, in which order, whether it may be, by which write, and the writing."""
