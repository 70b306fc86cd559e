import Foundation
import Imaging
import Support

/// nnU-Net's `postprocessing.json`: which structures keep their largest component only.
///
/// Isensee et al. 2021, methods, "Postprocessing": chosen on the cross-validation's results. Steps are
/// applied one after another; each keeps, of the voxels that have one of its labels, the components
/// (joined by faces, edges or corners) that are the largest, and clears the others.
public struct NNUNetPostprocessing: Codable, Equatable, Sendable {
  /// The labels of each step.
  public var steps: [[Int]]

  package init(steps: [[Int]]) { self.steps = steps }

  /// Reads a `postprocessing.json`.
  /// - Parameter path: The file.
  /// - Throws: `PipelinesError.damagedModel`, also for a function that is not known.
  package init(contentsOf path: String) throws {
    let tree = try NNUNetPlansFile.tree(path)
    func damaged(_ reason: String) -> PipelinesError { .damagedModel(path: path, reason: reason) }
    let functions = tree["postprocessing_fns"]?.list?.compactMap(\.text) ?? []
    let arguments = tree["postprocessing_kwargs"]?.list ?? []
    guard functions.count == arguments.count else {
      throw damaged("\(functions.count) functions have \(arguments.count) sets of arguments")
    }
    steps = try zip(functions, arguments).map { function, values in
      guard function == "remove_all_but_largest_component_from_segmentation" else {
        throw damaged("the postprocessing \(function) is unknown")
      }
      guard (values["background_label"]?.int ?? 0) == 0, let labels = values["labels_or_regions"]
      else { throw damaged("a step of its postprocessing has no labels, or another background") }
      return try Self.numbers(labels, damaged)
    }
  }

  /// One label, a list of them, or a list of regions.
  private static func numbers(
    _ tree: JSONTree,
    _ damaged: (String) -> PipelinesError
  ) throws -> [Int] {
    if let one = tree.int { return [one] }
    guard let items = tree.list else { throw damaged("labels_or_regions holds no labels") }
    return try items.flatMap { item in
      guard let numbers = item.int.map({ [$0] }) ?? item.ints else {
        throw damaged("labels_or_regions holds no labels")
      }
      return numbers
    }
  }

  /// Applies the steps.
  /// - Parameter labelMap: A label map.
  /// - Returns: The label map without what is not part of a largest component; ties are all kept.
  package func applied(to labelMap: LabelMap) -> LabelMap {
    steps.reduce(labelMap) { map, labels in
      let wanted = Set(labels.compactMap { UInt16(exactly: $0) })
      let mask = map.labels.map { wanted.contains($0) }
      let components = ConnectedComponents(
        mask: mask,
        size: map.geometry.size,
        connectivity: .twentySix
      )
      let largest = components.sizes.max() ?? 0
      var result = map
      result.labels = map.labels.indices.map { index in
        let component = components.numbers[index]
        return component > 0 && components.sizes[Int(component) - 1] < largest
          ? 0 : map.labels[index]
      }
      return result
    }
  }
}
