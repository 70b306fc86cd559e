// The umbrella: `import Lamina` gives a package all of Lamina's modules.
@_exported import Autoencoders
@_exported import ClassicalSegmentation
@_exported import Compression
@_exported import Evaluation
@_exported import Generation
@_exported import Imaging
@_exported import ImagingIO
@_exported import Layers
@_exported import Networks
@_exported import Pipelines
@_exported import Recognition
@_exported import Registration
@_exported import Reporting
@_exported import Sequences
@_exported import Support
@_exported import Tensors
@_exported import Transforms
