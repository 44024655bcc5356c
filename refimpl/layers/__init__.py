"""Layers of convolutional networks and transformers, and the networks made of them.

A layer takes x (..., n, inputs) to (..., n, width), as `core.dense` does; what is an
image or a row of tokens within is known to the layer alone. An image is stored with
its channels last. Imports `arrays` and `core`.
"""
