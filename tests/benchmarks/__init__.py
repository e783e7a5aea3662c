"""Speed and memory, as ratios taken in one run. ``python -m tests.benchmarks`` prints the table; no test is timed."""
