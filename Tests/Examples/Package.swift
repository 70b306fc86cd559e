// swift-tools-version: 6.1
import PackageDescription

// A package of its own, as a user's would be: README shows its program. `Scripts/test` builds and
// tests it.
let package = Package(
  name: "examples",
  dependencies: [.package(name: "lamina", path: "../..")],
  targets: [
    .executableTarget(
      name: "TrainClassifier",
      dependencies: [.product(name: "Lamina", package: "lamina")]
    ),
    .testTarget(
      name: "TrainClassifierTests",
      dependencies: ["TrainClassifier", .product(name: "Lamina", package: "lamina")]
    ),
  ]
)
