import Foundation
import Imaging
import ImagingIO
import Support
import Transforms

/// Segments scans of any contrast by an atlas that is fitted to them.
package struct AtlasPredictor: ScanPredictor {
  private let atlas: ProbabilisticAtlas
  private let fitter: AtlasFitter
  private let locator: (any ScanPredictor)?
  private let locatorSpacingMM: Double
  private let labels: [LabelDefinition]
  private let leastGain: Double?

  /// Structures that the network must find before its result counts.
  private static let fewestStructures = 6
  /// The smallest volume of a structure that counts as found, mm³.
  private static let leastVolumeMM3 = 500.0

  /// Creates a predictor.
  /// - Parameters:
  ///   - atlas: The atlas.
  ///   - settings: Steps and iterations.
  ///   - locator: What finds structures coarsely, or nil.
  ///   - locatorSpacingMM: Distance of voxels that it sees, mm.
  ///   - labels: The meanings of the labels, in the order of the atlas's.
  ///   - leastGain: What a fit must tell of a scan, nats a point, or nil.
  package init(
    atlas: ProbabilisticAtlas,
    settings: AtlasFitter.Settings,
    locator: (any ScanPredictor)?,
    locatorSpacingMM: Double,
    labels: [LabelDefinition],
    leastGain: Double? = nil
  ) {
    precondition(atlas.labelCount == labels.count, "an atlas of other labels")
    self.atlas = atlas
    fitter = AtlasFitter(atlas, settings: settings)
    self.locator = locator
    self.locatorSpacingMM = locatorSpacingMM
    self.labels = labels
    self.leastGain = leastGain
  }

  package func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    let volume = scan.volumes[0].asFloat
    let image = AtlasScan(volume)
    let placement = AtlasPlacement(atlas, fitter: fitter)
    let hint = try hint(volume, placement, interruption)
    progress.begin("fitting the atlas", total: fitter.iterationCount)
    guard
      let guess = try placement.find(
        in: image,
        hints: hint.map { [$0] } ?? [],
        interruption: interruption
      )
    else {
      progress.end()
      throw PipelinesError.unsuitableScan(
        path: "The scan",
        reason: "the atlas finds no place in it; does it show a head?"
      )
    }
    let fit = try fitter.fit(image, guess: guess, interruption: interruption) {
      progress.update($0, detail: nil)
    }
    progress.end()
    let told = (fit.gain * 1000).rounded() / 1000
    progress.note("The fit tells \(told) nats of the scan at each point of the atlas.")
    // Also where it is no number.
    if let leastGain, !(fit.gain >= leastGain) {
      outputs.problems?.add(
        InputProblem(
          code: "poor-fit",
          message:
            "The atlas tells little of this scan (\(told) nats at each point of the atlas, not "
            + "\(leastGain)): it may show something else, a part of a head, or an unusual contrast.",
          remedy: "Look at the pictures before you use the labels."
        )
      )
    }
    try interruption.check()
    return try labelled(image, fit, outputs)
  }

  /// Labels every voxel by the fit.
  private func labelled(
    _ image: AtlasScan,
    _ fit: AtlasFit,
    _ outputs: PredictionOutputs
  ) throws -> LabelMap {
    let size = image.geometry.size
    let plane = size.x * size.y
    let count = size.product
    let numbers = [0] + labels.map { UInt16($0.id) }
    if let sink = outputs.probabilities {
      try sink.begin(size: [labels.count + 1, size.z, size.y, size.x])
      sink.fillBackground()
    }
    let labelling = AtlasLabelling(image, atlas: atlas, fit: fit)
    let wantsConfidence = outputs.confidence != nil
    var winners = [Float](repeating: 0, count: wantsConfidence ? count : 0)
    var classes = [UInt16](repeating: 0, count: count)
    func label(_ all: UnsafeMutableBufferPointer<Float>?) {
      classes.withUnsafeMutableBufferPointer { classes in
        winners.withUnsafeMutableBufferPointer { winners in
          // Each slice is written by one thread.
          nonisolated(unsafe) let (classes, winners, all) = (classes, winners, all)
          Parallelism.forEach(size.z) { z in
            let range = z * plane..<(z + 1) * plane
            let own = UnsafeMutableBufferPointer(rebasing: classes[range])
            var shares = [Float](repeating: 0, count: plane)
            shares.withUnsafeMutableBufferPointer { shares in
              if let all {
                labelling.label(slice: z, labels: own, winners: shares) { index, values in
                  for (label, value) in values.enumerated() {
                    all[label * count + z * plane + index] = value
                  }
                }
              } else {
                labelling.label(slice: z, labels: own, winners: shares)
              }
              if wantsConfidence {
                for index in 0..<plane { winners[z * plane + index] = shares[index] }
              }
            }
          }
        }
      }
    }
    if let sink = outputs.probabilities { sink.withValues { label($0) } } else { label(nil) }
    let map = LabelIslands.removed(
      from: LabelMap(
        geometry: image.geometry,
        labels: classes.map { numbers[Int($0)] },
        table: labels
      )
    )
    if let confidence = outputs.confidence {
      var part = ConfidenceSums.Part(largestLabel: Int(numbers.max() ?? 0))
      for (index, label) in map.labels.enumerated() where label != 0 {
        part.add(winners[index], to: label)
      }
      confidence.add(part)
    }
    return map
  }

  /// A placement by what the network finds; nil when it finds little.
  private func hint(
    _ volume: Volume<Float>,
    _ placement: AtlasPlacement,
    _ interruption: Interruption
  ) throws -> AffineMap? {
    guard let locator else { return nil }
    var finite = volume.reoriented(to: .ras)
    for index in finite.voxels.indices where !finite.voxels[index].isFinite {
      finite.voxels[index] = 0
    }
    let spacing = SIMD3<Double>(repeating: locatorSpacingMM)
    let grid = try finite.geometry.resampled(toSpacing: spacing)
    let found = try locator.predict(
      ScanChannels([.float32(finite.resampled(to: grid, interpolation: .linear, outside: 0))]),
      outputs: PredictionOutputs(),
      progress: SilentProgress(),
      interruption: interruption
    )
    var sums = [SIMD3<Double>](repeating: .zero, count: labels.count)
    var counts = [Double](repeating: 0, count: labels.count)
    var places: [UInt16: Int] = [:]
    for (place, label) in labels.enumerated() { places[UInt16(label.id)] = place }
    var index = 0
    for z in 0..<grid.size.z {
      for y in 0..<grid.size.y {
        for x in 0..<grid.size.x {
          if let place = places[found.labels[index]] {
            sums[place] += SIMD3<Double>(Double(x), Double(y), Double(z))
            counts[place] += 1
          }
          index += 1
        }
      }
    }
    let voxel = grid.voxelVolumeML * 1000
    let middles = sums.indices.map { place -> (middle: SIMD3<Double>, volume: Double)? in
      guard counts[place] * voxel >= Self.leastVolumeMM3 else { return nil }
      let middle = grid.position(ofIndex: sums[place] / counts[place])
      return (middle * SIMD3<Double>(-1, -1, 1), counts[place] * voxel)
    }
    guard middles.count(where: { $0 != nil }) >= Self.fewestStructures else { return nil }
    return placement.placement(byMiddles: middles)
  }
}
