"""Computes the training steps that `nishiki train CONFIG --export FOLDER` wrote, under XLA.

There is no network, loss or optimizer in this package: it interprets the step's ONNX program.
"""
