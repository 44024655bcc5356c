"""The numbers of `core`, sooner. A reader may skip this room and lose nothing but time.

Each file begins with the plain formula it stands for and what it gains, measured; its
test is equality with `core` on the same noise. Imports `arrays` and `core`.
"""
