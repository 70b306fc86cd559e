"""Writes stored.npz and deflated.npz for the tests of NPZFile. Needs numpy. Run in this folder: python generate.py"""
import numpy

numbers = numpy.array([[0, 1, 2], [3, 100, 7]])
types = ["float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
arrays = {name: numbers.astype(name) for name in types}
arrays["bool"] = numpy.array([False, True, True])
arrays["fortran"] = numpy.asfortranarray(numbers.astype("float32"))
arrays["text"] = numpy.array(["a", "b"])
numpy.savez("stored.npz", **arrays)
numpy.savez_compressed("deflated.npz", **arrays)
