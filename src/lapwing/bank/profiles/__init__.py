"""What category numbers of hash lists mean, by standard or country, as dated data files."""
