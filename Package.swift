// swift-tools-version: 6.1
import PackageDescription

// The layered graph of Sources/README.md. A target may depend on targets of lower layers only;
// `.ci/run` builds with `--explicit-target-dependency-import-check error`.
let package = Package(
  name: "lamina",
  products: [
    .library(name: "Lamina", targets: ["Lamina"]),
    // The readers alone, for the package in Tests/Fuzzing.
    .library(name: "ImagingIO", targets: ["ImagingIO"]),
    .executable(name: "lamina", targets: ["LaminaCLI"]),
    .executable(name: "lamina-bench", targets: ["LaminaBench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
  ],
  targets: [
    // L0: shims. Status codes, no policy.
    .target(
      name: "CDCMTK",
      linkerSettings: [
        "dcmjpeg", "dcmdata", "oflog", "ofstd", "openjp2", "charls", "z",
      ].map { .linkedLibrary($0) }
    ),
    .target(
      name: "CNIfTI",
      linkerSettings: [.linkedLibrary("nifti2"), .linkedLibrary("znz"), .linkedLibrary("z")]
    ),
    .target(name: "CDeflate", linkerSettings: [.linkedLibrary("isal"), .linkedLibrary("z")]),
    .target(name: "CPNG", linkerSettings: [.linkedLibrary("png")]),
    .target(name: "CZip", linkerSettings: [.linkedLibrary("zip")]),
    .target(name: "CHDF5", linkerSettings: [.linkedLibrary("hdf5_serial")]),
    .target(name: "CTIFF", linkerSettings: [.linkedLibrary("tiff")]),
    .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    .target(name: "COpenBLAS", linkerSettings: [.linkedLibrary("openblas")]),
    .target(name: "COneDNN", linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
    .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "CKernels"),
    // Loaded at run time, when several processes train together.
    .target(name: "CMPI"),

    // L1
    .target(name: "Support", dependencies: ["COpenSSL"]),

    // L2
    .target(name: "Imaging", dependencies: ["Support", "CKernels"]),
    .target(name: "Tensors", dependencies: ["Support", "COneDNN", "COpenBLAS", "CKernels"]),

    // L3
    .target(
      name: "ImagingIO",
      dependencies: [
        "Support", "Imaging", "CDCMTK", "CDeflate", "CJPEG", "CNIfTI", "COpenBLAS", "CPNG", "CTIFF",
        "CZip",
      ]
    ),
    .target(name: "Transforms", dependencies: ["Support", "Imaging"]),
    // Above Transforms, whose filters and parameters it uses.
    .target(name: "ClassicalSegmentation", dependencies: ["Support", "Imaging", "Transforms"]),
    .target(name: "Evaluation", dependencies: ["Support", "Imaging", "CKernels"]),
    .target(name: "Registration", dependencies: ["Support", "Imaging"]),
    .target(name: "Layers", dependencies: ["Support", "Tensors", "CZip"]),

    .target(name: "OperationCases", dependencies: ["Support", "Tensors", "Layers"]),

    // L4
    .target(name: "Networks", dependencies: ["Support", "Tensors", "Layers"]),
    .target(
      name: "GraphModels",
      dependencies: ["Support", "Tensors", "Layers", "Networks", "CHDF5", "CZip"]
    ),

    // L5
    .target(
      name: "Pipelines",
      dependencies: [
        "CKernels", "CMPI", "Support", "Imaging", "Tensors", "ImagingIO", "Transforms",
        "ClassicalSegmentation", "Registration", "Evaluation", "Layers", "Networks",
        "GraphModels",
      ]
    ),
    .target(name: "Reporting", dependencies: ["Support", "Imaging", "ImagingIO", "Evaluation"]),
    .target(
      name: "Enhancement",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Transforms", "Evaluation", "Layers",
        "Networks", "Pipelines",
      ]
    ),
    .target(
      name: "Recognition",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Transforms", "Evaluation", "Layers",
        "Networks", "Pipelines",
      ]
    ),

    // Above Recognition, whose training loop and images it uses.
    .target(
      name: "Sequences",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Evaluation", "Layers", "Networks",
        "Pipelines", "Recognition",
      ]
    ),

    // Above Recognition, whose training loop it uses.
    .target(
      name: "Compression",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Evaluation", "Layers", "Networks",
        "Pipelines", "Recognition",
      ]
    ),

    // Above Recognition, whose training loop and images it uses.
    .target(
      name: "Autoencoders",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Evaluation", "Layers", "Networks",
        "Pipelines", "Enhancement", "Recognition",
      ]
    ),

    // Above Recognition, whose images and features it uses.
    .target(
      name: "Generation",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Evaluation", "Layers", "Networks",
        "GraphModels", "Pipelines", "Recognition",
      ]
    ),

    // Above Recognition, and above Enhancement, of which scans that are harmonised are steps.
    .target(
      name: "Stylization",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Transforms", "ClassicalSegmentation",
        "Layers", "Networks", "Pipelines", "Enhancement", "Recognition",
      ]
    ),

    // L6
    .target(
      name: "Lamina",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Transforms", "ClassicalSegmentation",
        "Registration", "Evaluation", "Layers", "Networks", "Pipelines", "Enhancement",
        "Recognition", "Sequences", "Compression", "Autoencoders", "Generation", "Stylization",
        "Reporting",
      ]
    ),
    .executableTarget(
      name: "LaminaCLI",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Transforms", "ClassicalSegmentation",
        "Registration", "Evaluation", "Pipelines", "Enhancement", "Recognition", "Sequences",
        "Compression", "Autoencoders", "Generation", "Stylization", "Reporting", "Layers",
        "Networks",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]
    ),
    .executableTarget(
      name: "LaminaBench",
      dependencies: [
        "Support", "Tensors", "Layers", "Networks", "GraphModels", "OperationCases",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]
    ),

    // Tests mirror Sources; TestSupport is imported by nothing in Sources.
    .target(
      name: "TestSupport",
      dependencies: ["Support", "Imaging", "Tensors", "Transforms"],
      path: "Tests/TestSupport"
    ),
    .testTarget(name: "SupportTests", dependencies: ["Support", "TestSupport"]),
    .testTarget(name: "ImagingTests", dependencies: ["Support", "Imaging", "TestSupport"]),
    .testTarget(
      name: "ImagingIOTests",
      dependencies: ["Support", "Imaging", "ImagingIO", "TestSupport"]
    ),
    .testTarget(
      name: "TensorsTests",
      dependencies: ["CKernels", "Support", "Tensors", "Layers", "OperationCases", "TestSupport"]
    ),
    .testTarget(
      name: "LayersTests",
      dependencies: ["Support", "Tensors", "Layers", "TestSupport"]
    ),
    .testTarget(
      name: "NetworksTests",
      dependencies: ["Support", "Tensors", "Layers", "Networks", "TestSupport"]
    ),
    .testTarget(
      name: "GraphModelsTests",
      dependencies: ["Support", "Tensors", "Layers", "Networks", "GraphModels", "TestSupport"]
    ),
    .testTarget(
      name: "TransformsTests",
      dependencies: ["Support", "Imaging", "Transforms", "TestSupport"]
    ),
    .testTarget(
      name: "ClassicalSegmentationTests",
      dependencies: ["Support", "Imaging", "Transforms", "ClassicalSegmentation", "TestSupport"]
    ),
    .testTarget(
      name: "EvaluationTests",
      dependencies: ["Support", "Imaging", "Evaluation", "TestSupport"]
    ),
    .testTarget(
      name: "RegistrationTests",
      dependencies: ["Support", "Imaging", "Registration", "TestSupport"]
    ),
    .testTarget(
      name: "PipelinesTests",
      dependencies: [
        "CKernels", "Support", "Imaging", "ImagingIO", "Tensors", "Layers", "Networks",
        "Transforms", "ClassicalSegmentation",
        "Evaluation", "Pipelines", "TestSupport",
      ]
    ),
    .testTarget(
      name: "EnhancementTests",
      dependencies: [
        "Support", "Imaging", "ImagingIO", "Tensors", "Layers", "Networks", "Transforms",
        "Evaluation", "Pipelines", "Enhancement", "TestSupport",
      ]
    ),
    .testTarget(
      name: "RecognitionTests",
      dependencies: [
        "Support", "Imaging", "ImagingIO", "Tensors", "Layers", "Networks", "GraphModels",
        "Evaluation", "Pipelines", "Recognition", "TestSupport",
      ]
    ),
    .testTarget(
      name: "SequencesTests",
      dependencies: [
        "Support", "Imaging", "ImagingIO", "Layers", "Pipelines", "Recognition", "Sequences",
        "TestSupport",
      ]
    ),
    .testTarget(
      name: "CompressionTests",
      dependencies: [
        "Support", "Imaging", "ImagingIO", "Tensors", "Layers", "Networks", "Pipelines",
        "Recognition", "Compression", "TestSupport",
      ]
    ),
    .testTarget(
      name: "AutoencodersTests",
      dependencies: [
        "Support", "Imaging", "ImagingIO", "Tensors", "Layers", "Networks", "Evaluation",
        "Pipelines", "Recognition", "Autoencoders", "TestSupport",
      ]
    ),
    .testTarget(
      name: "GenerationTests",
      dependencies: [
        "Support", "Layers", "Tensors", "Networks", "GraphModels", "Pipelines", "Recognition",
        "Generation", "TestSupport",
      ]
    ),
    .testTarget(
      name: "StylizationTests",
      dependencies: [
        "Support", "Imaging", "Tensors", "ImagingIO", "Layers", "Networks", "Pipelines",
        "Recognition", "Stylization", "TestSupport",
      ]
    ),
    .testTarget(
      name: "ReportingTests",
      dependencies: ["Support", "Imaging", "ImagingIO", "Evaluation", "Reporting", "TestSupport"]
    ),
    .testTarget(
      name: "LaminaCLITests",
      // LaminaCLI so that the program is built before the tests that run it.
      dependencies: [
        "LaminaCLI", "Support", "Imaging", "ImagingIO", "Evaluation", "Layers",
        "Networks", "Pipelines", "TestSupport",
      ]
    ),
    .testTarget(
      name: "LaminaBenchTests",
      dependencies: [
        "LaminaBench", "Support", "Tensors", "Layers", "Networks", "TestSupport",
      ]
    ),
  ],
  cxxLanguageStandard: .cxx17
)
