"""Computes the training steps that `nishiki export CONFIG --output FOLDER` wrote, under XLA.

There is no network, loss or optimizer in this package: it interprets the step's ONNX program.
"""
