import Foundation
import Imaging
import ImagingIO
import TestSupport
import Testing

/// Resampling as nnU-Net itself did it, where the reference data lie beside the checkout.
@Suite struct NNUNetReferenceResamplingTests {
  static let files: [String] = {
    guard let folder = Fixtures.reference("nnunet/unit/resample"),
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    else { return [] }
    return names.filter { $0.hasSuffix(".npz") }.sorted().map { folder + "/" + $0 }
  }()

  /// nnU-Net's choice (`determine_do_sep_z_and_axis`): the axis, z first, that is treated apart.
  private static func axisApart(_ current: [Double], _ new: [Double]) -> Int? {
    for spacing in [current, new] {
      let largest = spacing.max() ?? 1
      guard largest / (spacing.min() ?? 1) > 3 else { continue }
      let axes = spacing.indices.filter { spacing[$0] == largest }
      return axes.count == 1 ? axes[0] : nil
    }
    return nil
  }

  private struct Reference {
    let file: NPZFile
    let size: SIMD3<Int>
    let newSize: SIMD3<Int>
    /// x first.
    let axis: Int?

    init(_ path: String) throws {
      file = try NPZFile(path)
      let shape = try file.array("input").shape
      let newShape = try file.array("new_shape").doubles.map { Int($0) }
      size = SIMD3(shape[3], shape[2], shape[1])
      newSize = SIMD3(newShape[2], newShape[1], newShape[0])
      axis = NNUNetReferenceResamplingTests.axisApart(
        try file.array("current_spacing").doubles,
        try file.array("new_spacing").doubles
      ).map { 2 - $0 }
    }

    /// The worst difference to the array of that name, over the range of the input.
    func error(_ key: String, _ zoom: ZoomResampling) throws -> Double {
      let input = try file.array("input").floats
      let expected = try file.array(key).doubles
      let count = size.x * size.y * size.z
      let result = stride(from: 0, to: input.count, by: count).flatMap {
        zoom.resample([Float](input[$0..<$0 + count]))
      }
      #expect(result.count == expected.count)
      let range = Double((input.max() ?? 1) - (input.min() ?? 0))
      return zip(result, expected).map { abs(Double($0) - $1) / range }.max() ?? .infinity
    }

    func zoom(
      _ order: ZoomResampling.Order,
      across: ZoomResampling.Order = .nearest,
      isApart: Bool = true,
      positions: ZoomResampling.Positions = .double
    ) -> ZoomResampling {
      var axes = ZoomResampling.Axes.together
      if isApart, let axis { axes = .apart(axis: axis, across: across) }
      return ZoomResampling(
        from: size,
        to: newSize,
        order: order,
        axes: axes,
        positions: positions
      )
    }
  }

  @Test(.enabled(if: !files.isEmpty, "needs ../shared/reference/nnunet"), arguments: files)
  func valuesAreNNUNets(_ path: String) throws {
    let reference = try Reference(path)
    #expect(try reference.error("order0", reference.zoom(.nearest)) == 0)
    // The bar of one millionth of the range, and four times less than it: single precision.
    #expect(try reference.error("order1", reference.zoom(.linear)) < 2.5e-7)
    #expect(try reference.error("order3", reference.zoom(.cubic)) < 2.5e-7)
    #expect(
      try reference.error("order3_force_sepz_false", reference.zoom(.cubic, isApart: false))
        < 2.5e-7
    )
    if reference.file.keys.contains("order3_orderz1") {
      #expect(
        try reference.error("order3_orderz1", reference.zoom(.cubic, across: .linear)) < 2.5e-7
      )
    }
    // PyTorch's sums are single precision.
    #expect(
      try reference.error("torch_fornnunet", reference.zoom(.linear, positions: .single)) < 2.5e-7
    )
  }

  @Test(.enabled(if: !files.isEmpty, "needs ../shared/reference/nnunet"), arguments: files)
  func labelsAreNNUNets(_ path: String) throws {
    let reference = try Reference(path)
    let labels = try reference.file.array("input_seg").doubles.map { Int16($0) }
    for (key, order) in [("seg_order0", ZoomResampling.Order.nearest), ("seg_order1", .linear)] {
      let expected = try reference.file.array(key).doubles.map { Int16($0) }
      #expect(reference.zoom(order).resample(labels: labels) == expected, "\(key)")
    }
  }
}
