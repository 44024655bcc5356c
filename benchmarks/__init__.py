"""Side by side with PyTorch (extra ``bench``): ``python -m benchmarks``."""
