import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct VolumeStepTests {
  /// Numbers of the reference are rounded to eight digits.
  private static let tolerance: Float = 2e-6

  /// A scan whose arrays have the axes 0, 1 and 2 of a file's x, y and z.
  private func scan(_ size: [Int], _ spacing: [Double], _ channels: [[Float]]) throws
    -> ScanChannels
  {
    // C order with axis 2 fastest becomes x fastest by a turn of the axes.
    let geometry = try ImageGeometry(
      size: [size[2], size[1], size[0]],
      spacing: [spacing[2], spacing[1], spacing[0]],
      origin: [3, -4, 5],
      direction: Orientation(code: "SAR").direction
    )
    return ScanChannels(
      try channels.map {
        .float32(
          Volume(geometry: geometry, voxels: $0).reoriented(to: try Orientation(code: "RAS"))
        )
      }
    )
  }

  @Test func spacingIsThatOfMONAI() throws {
    for reference in try VolumeReference().spacing {
      let interpolation: VolumeStep.Interpolation = reference.mode == "nearest" ? .nearest : .linear
      let prepared = try PreparedSteps(
        scan(reference.size, reference.old, [reference.input]),
        steps: [
          .space(
            mm: reference.new,
            interpolation: interpolation,
            padding: reference.padding == "zeros" ? .zeros : .border
          )
        ]
      )
      #expect(prepared.array.size == reference.newSize)
      let gap = VolumeReference.difference(prepared.array.channels[0], reference.output)
      #expect(gap <= Self.tolerance, "\(reference.size) \(reference.mode) \(reference.padding)")
      guard case .sample(let scores, let labels, _) = try #require(prepared.undos.first) else {
        Issue.record("a spacing leaves \(prepared.undos)")
        continue
      }
      let back = (interpolation == .linear ? scores : labels).applied(to: reference.output)
      #expect(VolumeReference.difference(back, reference.back) <= Self.tolerance)
    }
  }

  @Test func aSpacingWithinTheToleranceStays() throws {
    let values = [Float](repeating: 1, count: 24)
    let prepared = try PreparedSteps(
      scan([2, 3, 4], [1, 2, 1], [values]),
      steps: [.space(mm: [1.0009, 2, 0.9991], interpolation: .linear, padding: .border)]
    )
    #expect(prepared.undos.isEmpty)
    #expect(prepared.array.size == [2, 3, 4])
  }

  @Test func intensitiesAreThoseOfMONAI() throws {
    let steps: [String: VolumeStep] = [
      "normalize": .normalize(mean: nil, deviation: nil, nonzero: false, channelWise: false),
      "normalizeNonzeroChannels": .normalize(
        mean: nil,
        deviation: nil,
        nonzero: true,
        channelWise: true
      ),
      "scale": .scale(newLow: -1, newHigh: 1, channelWise: false),
      "scaleChannels": .scale(newLow: 0, newHigh: 1, channelWise: true),
      "percentiles": .scalePercentiles(
        lower: 5,
        upper: 95,
        newLow: 0,
        newHigh: 1,
        clips: true,
        relative: false,
        channelWise: false
      ),
      "percentilesRelative": .scalePercentiles(
        lower: 10,
        upper: 80,
        newLow: 0,
        newHigh: 2,
        clips: false,
        relative: true,
        channelWise: true
      ),
    ]
    for reference in try VolumeReference().intensity {
      let half = reference.input.count / 2
      var channels = [Array(reference.input[..<half]), Array(reference.input[half...])]
      IntensitySteps.apply(try #require(steps[reference.name]), to: &channels)
      let gap = VolumeReference.difference(channels[0] + channels[1], reference.output)
      #expect(gap <= Self.tolerance, "\(reference.name)")
    }
  }

  @Test func foregroundIsCutAsMONAIDoes() throws {
    for reference in try VolumeReference().crop {
      let prepared = try PreparedSteps(
        scan(reference.size, [1, 1, 1], [reference.input]),
        steps: [
          .cropForeground(
            margin: reference.margin,
            multiple: reference.multiple,
            allowsSmaller: reference.smaller
          )
        ]
      )
      #expect(prepared.array.size == reference.newSize)
      #expect(prepared.array.channels[0] == reference.output)
    }
  }

  @Test func paddingKeepsTheVoxelsInPlace() throws {
    let values = (0..<24).map(Float.init)
    let original = try scan([2, 3, 4], [1, 1, 1], [values])
    let prepared = try PreparedSteps(
      original,
      steps: [.padToMultiple(of: [4, 4, 4], isSymmetric: true)]
    )
    #expect(prepared.array.size == [4, 4, 4])
    // A plane before and one behind; the row goes behind.
    #expect(prepared.array.channels[0][16 + 0] == 0)
    #expect(prepared.array.channels[0][16..<20].elementsEqual([0, 1, 2, 3]))
    let first = prepared.array.geometry.position(ofIndex: [0, 0, 1])
    let expected = VolumeArray(original).geometry.position(ofIndex: [0, 0, 0])
    #expect(first == expected)
  }

  @Test func aConformedVolumeStaysAsItIs() throws {
    // Whole numbers on the conformed grid: nothing is interpolated, and the last planes have no
    // neighbour and are 0.
    let geometry = try ImageGeometry(
      size: [256, 256, 256],
      spacing: [1, 1, 1],
      origin: [10, 20, 30],
      direction: Orientation(code: "LIA").direction
    )
    var voxels = [Float](repeating: 0, count: geometry.voxelCount)
    voxels[geometry.offset(100, 120, 140)] = 255
    voxels[geometry.offset(255, 3, 3)] = 255
    let found = try ConformedVolume.volume(Volume(geometry: geometry, voxels: voxels))
    #expect(found.geometry == geometry)
    #expect(found[100, 120, 140] == 255)
    #expect(found[101, 120, 140] == 0)
    #expect(found[255, 3, 3] == 0)
  }

  @Test func plansThatCannotBeCarriedOutAreRefused() throws {
    func plan(_ steps: [VolumeStep], inversion: VolumePlan.Inversion = .labels) -> VolumePlan {
      VolumePlan(
        program: "test",
        steps: steps,
        inferer: .whole,
        activation: .softmax,
        heads: .labels,
        inversion: inversion
      )
    }
    let space = VolumeStep.space(mm: [1, 1, 1], interpolation: .linear, padding: .border)
    try plan([.orient(code: "RAS"), space]).check()
    for faulty in [
      plan([space, .orient(code: "RAS")]), plan([.orient(code: "RRS")]),
      plan([.conform], inversion: .scores),
      plan([.scaleRange(low: 1, high: 1, newLow: 0, newHigh: 1, clips: true)]),
      plan([.padToMultiple(of: [0, 1, 1], isSymmetric: true)]),
    ] {
      #expect(throws: PipelinesError.self) { try faulty.check() }
    }
  }
}
