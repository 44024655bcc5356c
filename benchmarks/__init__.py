"""Side by side with PyTorch (extra ``bench``): ``python -m benchmarks``.

`cases` are the pieces of work, `ours` and `peers` do them, `interleave` times them in
turns, `__main__` prints the table.
"""
