import Foundation
import Imaging
import Networks
import Pipelines
import Support
import Tensors
import Transforms

/// The evidence for one structure of a segmentation.
public struct ExplainedStructure: Sendable {
  /// The structure.
  public let definition: LabelDefinition
  /// How it was found.
  public let method: ExplanationMethod
  /// Evidence at each voxel of the scan, 0 to 1; 0 outside the part that was explained.
  public let map: Volume<Float>
  /// The slice to show: the explained one, or the middle one of an explained block, as an index of the
  /// scan along `axis`.
  public let slice: Int
  /// The scan's axis across that slice, 0 to 2.
  public let axis: Int
  /// Pixels or voxels of the network that the score is summed over.
  public let regionCount: Int
  /// The structure's mean probability there.
  public let probability: Double
  /// Whether the network sees blocks, not slices.
  public let isSolid: Bool
}

/// Shows what in a scan speaks for the structures that a network found.
///
/// The score is the sum of a structure's logits over the pixels of one patch that the network gives to it:
/// Seg-Grad-CAM (Vinogradova, Dibrov and Myers 2020, "Towards interpretable semantic segmentation via
/// gradient-weighted class activation mapping", equation 1), with the coarsest maps of the way down.
/// Occlusion and RISE judge changed patches by the structure's mean probability there. Of networks of slices
/// the patch lies in the slice that shows most of the structure, of networks of volumes about its middle. Of
/// an ensemble the first network is explained, without mirrored copies.
public struct SegmentationExplainer: Sendable {
  private let package: ModelPackage
  private let methods: [ExplanationMethod]
  private let network: any Network
  private let interruption: Interruption

  /// Opens a model.
  /// - Parameters:
  ///   - package: A model of slices or of nnU-Net's kind with one stage.
  ///   - methods: How.
  ///   - interruption: Looked at between pieces of work.
  /// - Throws: `RecognitionError.otherTask` for other models, and for Grad-CAM by networks that give no maps
  ///   (`StagedNetwork`); what loading throws.
  public init(
    _ package: ModelPackage,
    methods: [ExplanationMethod],
    interruption: Interruption
  ) throws {
    func refused(_ task: String) -> RecognitionError {
      .otherTask(model: package.description.name, task: task, wanted: "explained segmentations")
    }
    switch package.description.plan {
    case .slices: break
    case .nnUNet(let plan) where plan.previousStage == nil && plan.channels.count == 1: break
    default: throw refused(package.description.plan.summary)
    }
    network = try package.makeNetworks()[0]
    for method in methods where method.weighsMaps && !(network is any StagedNetwork) {
      throw RecognitionError.otherTask(
        model: package.description.name,
        task: "scores without feature maps that could be weighed",
        wanted: method.title
      )
    }
    self.methods = methods
    self.package = package
    self.interruption = interruption
  }

  /// Explains the structures of a segmented scan.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - labels: Its segmentation, on the scan's grid.
  ///   - progress: Told about each map.
  /// - Returns: Each structure that the network itself finds where it is explained, by each method.
  /// - Throws: `ImagingError` when the scan cannot be prepared; `SupportError.interrupted`.
  public func explain(
    _ scan: Volume<Float>,
    labels: LabelMap,
    progress: any ProgressReporter
  ) throws -> [ExplainedStructure] {
    // Objects of one kind are explained together.
    let counts = labels.labels.reduce(into: [UInt16: Int]()) { $0[$1, default: 0] += 1 }
    let known = package.description.labels
    let present = known.filter { counts[UInt16($0.id)] != nil || isCounting }
    guard !present.isEmpty else { return [] }
    let view: NetworkView =
      switch package.description.plan {
      case .slices(let plan):
        try NetworkView(scan, labels, plan, object: isCounting ? known.first?.id : nil)
      case .nnUNet(let plan): try NetworkView(scan, labels, plan, interruption: interruption)
      default: preconditionFailure("the plan was checked")
      }
    var result: [ExplainedStructure] = []
    progress.begin("explaining", total: present.count * methods.count)
    for definition in present {
      try interruption.check()
      guard let patch = view.patch(around: UInt16(definition.id)),
        let target = try target(definition, in: patch)
      else { continue }
      for method in methods {
        let evidence = try ImageExplainer(target.score, interruption: interruption)
          .evidence(in: patch.tensor, by: method)
        let (map, shown) = view.spread(scaled(evidence), of: patch)
        result.append(
          ExplainedStructure(
            definition: definition,
            method: method,
            map: map,
            slice: shown.slice,
            axis: shown.axis,
            regionCount: target.count,
            probability: target.probability,
            isSolid: view.isSolid
          )
        )
        progress.update(result.count, detail: definition.name)
      }
    }
    progress.end()
    return result
  }

  private var isCounting: Bool {
    if case .slices(let plan) = package.description.plan { return plan.picture?.separation != nil }
    return false
  }

  private func scaled(_ evidence: [Float]) -> [Float] {
    Explanation(method: .occlusion, height: 1, width: evidence.count, evidence: evidence).values
  }

  // MARK: The score

  /// What is explained of a structure in a patch; nil where the network does not find it.
  private func target(
    _ definition: LabelDefinition,
    in patch: NetworkView.Patch
  ) throws -> (score: OutputScore, count: Int, probability: Double)? {
    let output = try PlannedNetwork(network)(patch.tensor)
    let (heads, area) = (output.shape[1], output.shape[2...].reduce(1, *))
    guard let head = head(of: definition), head < heads else { return nil }
    let isExclusive = self.isExclusive
    let values = output.values
    let region = (0..<area).map { place -> Float in
      if !isExclusive { return values[head * area + place] > 0 ? 1 : 0 }
      let best = (0..<heads).max { values[$0 * area + place] < values[$1 * area + place] }
      return best == head ? 1 : 0
    }
    let count = region.count { $0 == 1 }
    guard count > 0 else { return nil }
    let mask = Tensor(region, shape: [1, 1] + Array(output.shape[2...]))
    func judge(_ output: Tensor) -> [Double] {
      let values = output.values
      return (0..<output.shape[0]).map { index in
        let start = index * heads * area
        var sum = 0.0
        for place in 0..<area where region[place] == 1 {
          let own = Double(values[start + head * area + place])
          var total = isExclusive ? 0 : 1 + exp(-own)
          if isExclusive {
            for other in 0..<heads {
              total += exp(Double(values[start + other * area + place]) - own)
            }
          }
          sum += 1 / total
        }
        return sum / Double(count)
      }
    }
    let score = try OutputScore(
      network,
      explainsAllMaps: false,
      score: { ($0.sliced(axis: 1, start: head, end: head + 1) * mask).sum(axes: nil) },
      judge: judge
    )
    return (score, count, judge(output)[0])
  }

  private var isExclusive: Bool {
    if case .nnUNet(let plan) = package.description.plan, case .regions = plan.heads {
      return false
    }
    return true
  }

  /// The network's output that stands for a structure.
  private func head(of definition: LabelDefinition) -> Int? {
    let labels = package.description.labels
    guard case .nnUNet(let plan) = package.description.plan else {
      return labels.firstIndex { $0.id == definition.id }.map { $0 + 1 }
    }
    switch plan.heads {
    case .labels(let numbers): return numbers.firstIndex(of: definition.id)
    case .regions(let painted): return painted.firstIndex(of: definition.id)
    }
  }
}
