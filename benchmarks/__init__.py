"""How fast convlab is beside its peers, in ratios from one run. Start it with `python -m benchmarks`."""
