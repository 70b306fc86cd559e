// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that the sanitizers' flags touch no other build. `Scripts/fuzz` builds
// and runs it.
let package = Package(
  name: "fuzzing",
  dependencies: [.package(name: "lamina", path: "../..")],
  targets: [
    .target(name: "CFuzzing", path: "CFuzzing"),
    .executableTarget(
      name: "FuzzReaders",
      dependencies: ["CFuzzing", .product(name: "ImagingIO", package: "lamina")],
      path: "FuzzReaders"
    ),
  ]
)
