"""Steps from one schema to the next, written by hand. They import nothing of ours, so that they stay what they were."""
