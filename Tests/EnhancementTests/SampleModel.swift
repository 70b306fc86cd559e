import Enhancement
import Foundation
import Imaging
import Layers
import Networks
import Pipelines
import Support
import TestSupport

/// Model packages of random weights, and images for them.
enum SampleModel {
  /// A network for slices whose reach is its depth.
  static func dnCNN(depth: Int = 3) -> NetworkConfiguration {
    .dnCNN(DnCNNConfiguration(channels: 1, depth: depth, features: 8))
  }

  /// A U-Net without normalisation.
  static func unet(inputs: Int = 1, dimensions: Int = 2) -> NetworkConfiguration {
    var values = UNetConfiguration(
      inputChannels: inputs,
      outputChannels: 1,
      features: [4, 8],
      dimensions: dimensions
    )
    values.normalization = .none
    values.convolutionsPerStage = 1
    return .unet(values)
  }

  /// A plan for slices, whole images at once unless told otherwise.
  static func plan(
    dimensions: Int = 2,
    patch: Int = 64,
    halo: Int = 0,
    change: (inout EnhancementPlan) -> Void = { _ in }
  ) -> EnhancementPlan {
    var plan = EnhancementPlan(
      task: .denoise,
      dimensions: dimensions,
      intensity: .fixed(low: 0, high: 255),
      patchSize: [Int](repeating: patch, count: dimensions),
      halo: halo
    )
    change(&plan)
    return plan
  }

  /// Writes a package and loads it as a step.
  static func enhancer(
    _ network: NetworkConfiguration,
    _ plan: EnhancementPlan,
    channels: [String] = ["grey"],
    seed: UInt64 = 5
  ) throws -> Enhancer {
    let folder = try TemporaryFolder()
    let path = folder.file("model")
    try write(to: path, network, plan, channels: channels, seed: seed)
    return try Enhancer(ModelPackage(path: path))
  }

  static func write(
    to path: String,
    _ network: NetworkConfiguration,
    _ plan: EnhancementPlan,
    channels: [String] = ["grey"],
    seed: UInt64 = 5
  ) throws {
    let description = ModelDescription(
      name: "sample",
      version: "1.0.0",
      summary: "Changes images without meaning.",
      channels: channels,
      labels: [],
      network: network,
      plan: .enhancement(plan),
      licence: "CC0",
      intendedUse: "Tests.",
      provenance: .init(
        dataset: "none",
        source: "none",
        trainingCases: 0,
        heldOut: [],
        command: "",
        seed: seed,
        steps: 0,
        minutes: 0,
        program: "",
        date: ""
      ),
      results: [],
      files: [:]
    )
    var random = RandomStream(seed: seed)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try ModelPackage.write(
      to: path,
      description: description,
      weights: try network.makeNetwork(random: &random).weights,
      card: "# sample\n"
    )
  }

  /// Pictures of discs on a slope.
  static func discs(_ count: Int = 6) throws -> CleanImages {
    let geometry = try scan([48, 48, 1], isPlanar: true).geometry
    return CleanImages(
      (0..<count).map { index in
        var random = RandomStream(seed: UInt64(index))
        var voxels = (0..<geometry.voxelCount).map { Float(60 + $0 % 48) }
        for _ in 0..<6 {
          let (x, y) = (random.uniform(in: 0..<48), random.uniform(in: 0..<48))
          let (radius, value) = (random.uniform(in: 3..<9), random.uniform(in: 40..<230))
          for place in voxels.indices {
            let (dx, dy) = (Double(place % 48) - x, Double(place / 48) - y)
            if dx * dx + dy * dy < radius * radius { voxels[place] = Float(value) }
          }
        }
        return CleanImages.Image(
          id: "\(index)",
          volume: Volume(geometry: geometry, voxels: voxels)
        )
      },
      arePictures: true,
      name: "discs"
    )
  }

  /// Discs of soft tissue in air, 4 mm a voxel, in Hounsfield units.
  static func disc(slices: Int) throws -> Volume<Float> {
    let geometry = try ImageGeometry(
      size: [48, 48, slices],
      spacing: [4, 4, 4],
      origin: .zero,
      direction: .identity
    )
    let voxels = (0..<slices * 48 * 48).map { place -> Float in
      let (x, y) = (place % 48 - 24, place / 48 % 48 - 24)
      return x * x + y * y < 400 ? 40 + 10 * Float(x & 1) : -1000
    }
    return Volume(geometry: geometry, voxels: voxels)
  }

  /// An oblique grid with a smooth image and some noise, 0 to 255.
  static func scan(_ size: SIMD3<Int>, isPlanar: Bool = false) throws -> Volume<Float> {
    let (c, s) = (0.8, 0.6)
    let geometry = try ImageGeometry(
      size: size,
      spacing: [0.5, 0.75, isPlanar ? 1 : 3],
      origin: [10, -20, 30],
      direction: isPlanar ? .identity : Matrix3([c, s, 0], [-s, c, 0], [0, 0, 1]),
      isPlanar: isPlanar
    )
    var random = RandomStream(seed: 9)
    var voxels: [Float] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let wave = sin(Double(x) / 5) + cos(Double(y) / 7) + sin(Double(z) / 3)
          voxels.append(Float(120 + 30 * wave + 5 * random.normal()))
        }
      }
    }
    return Volume(geometry: geometry, voxels: voxels)
  }
}

extension Enhancer {
  /// The step without progress.
  func improved(_ scan: Volume<Float>) throws -> Volume<Float> {
    try apply(scan, progress: SilentProgress(), interruption: Interruption())
  }
}

/// Raises an interruption at the first note of a training's progress.
struct StopAfterNote: ProgressReporter {
  let interruption: Interruption

  init(_ interruption: Interruption) { self.interruption = interruption }

  func begin(_ step: String, total: Int?) {}
  func update(_ completed: Int, detail: String?) {}
  func end() {}
  func note(_ message: String) { interruption.raise() }
  func warn(_ message: String) {}
}
