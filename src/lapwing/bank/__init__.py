"""The bank: lists of indicators, and the indexes that find them. It matches; it judges nothing."""
