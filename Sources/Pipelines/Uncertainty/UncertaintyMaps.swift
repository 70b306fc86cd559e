import Evaluation
import Imaging
import Support

/// How unsure a model is of each voxel of a scan, and how much its members differ.
package struct UncertaintyMaps: Sendable {
  /// What the members found of one label.
  package struct Spread: Sendable {
    /// Voxels of the label in each member's map.
    package let voxels: [Int]
    /// The mean Dice of all pairs of members; nil where none has the label.
    package let pairwiseDice: Double?
  }

  /// The entropy of the mean probabilities, 0 to 1, on the scan's grid.
  package let total: Volume<Float>
  /// The mean entropy of the members, at most `total`: what no model of the kind could decide; nil with
  /// one member.
  package let aleatoric: Volume<Float>?
  /// What was averaged; one name where there is nothing to compare.
  package let members: [String]
  /// By label.
  package let spreads: [Int: Spread]

  /// What the members disagree about; nil with one member.
  ///
  /// The mutual information of label and member, over the same maximum: BALD of Houlsby et al. 2011.
  package var epistemic: Volume<Float>? {
    aleatoric.map { aleatoric in
      Volume(
        geometry: total.geometry,
        voxels: zip(total.voxels, aleatoric.voxels).map { max(0, $0 - $1) }
      )
    }
  }

  /// The measurements of a segmentation.
  /// - Parameters:
  ///   - labelMap: The segmentation on the same grid, as it is written.
  ///   - areObjects: Whether labels count objects, of which there is nothing to compare.
  /// - Returns: For `statistics.json`.
  func statistics(_ labelMap: LabelMap, areObjects: Bool) -> UncertaintyStatistics {
    let known = areObjects ? [] : labelMap.table
    let sums = Sums(labelMap, total: total.voxels, aleatoric: aleatoric?.voxels)
    let millilitres = labelMap.geometry.voxelVolumeML
    return UncertaintyStatistics(
      members: members,
      meanEntropy: sums.all.entropy,
      meanEpistemic: sums.all.epistemic,
      structures: known.map { definition in
        let own = sums.byLabel[definition.id]
        let spread = spreads[definition.id]
        let volumes = (spread?.voxels ?? []).map { Double($0) * millilitres }
        return UncertaintyStatistics.Structure(
          label: definition.id,
          name: definition.name,
          meanEntropy: own?.entropy,
          meanEpistemic: own?.epistemic,
          memberVolumesML: volumes.count > 1 ? volumes : nil,
          pairwiseDice: spread?.pairwiseDice
        )
      }
    )
  }

  /// Sums in whole steps of 2^-24, which add up alike in every order.
  private struct Sums {
    struct Sum {
      private static let one: Float = 0x1p24
      private var total = 0
      private var aleatoric: Int?
      private var voxels = 0

      mutating func add(_ entropy: Float, _ expected: Float?) {
        total += Int((entropy * Self.one).rounded())
        if let expected { aleatoric = (aleatoric ?? 0) + Int((expected * Self.one).rounded()) }
        voxels += 1
      }

      private func mean(_ sum: Int) -> Double? {
        voxels == 0 ? nil : Double(sum) / Double(Self.one) / Double(voxels)
      }

      var entropy: Double? { mean(total) }
      var epistemic: Double? { aleatoric.flatMap { mean(max(0, total - $0)) } }
    }

    private(set) var all = Sum()
    private(set) var byLabel: [Int: Sum] = [:]

    init(_ labelMap: LabelMap, total: [Float], aleatoric: [Float]?) {
      for (voxel, label) in labelMap.labels.enumerated() where label != 0 {
        all.add(total[voxel], aleatoric?[voxel])
        byLabel[Int(label), default: Sum()].add(total[voxel], aleatoric?[voxel])
      }
    }
  }
}
