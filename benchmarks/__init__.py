"""Side by side with what others use (extra ``bench``): ``python -m benchmarks``.

`rows` says what a row of the table is, `interleave` times its sides in turns. The rows
are in `training`, `r2`, `curvature`, `spectral_density` and `enumeration`, on networks
of `networks`, which `pytorch` makes in PyTorch; those of a CUDA device are in `device`.
What they found stands in ``docs/speed.md``.
"""
