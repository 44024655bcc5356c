"""Side by side with what others use (extra ``bench``): ``python -m benchmarks``.

`rows` says what a row of the table is and `interleave` times its sides in turns. The
rows are in `training` (steps), `r2`, `curvature`, `spectral_density` and `enumeration`,
on the networks of `networks`; `growth` measures how cost grows.
"""
