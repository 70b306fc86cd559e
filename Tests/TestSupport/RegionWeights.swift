import Tensors

/// The numbers that the generator of `Fixtures/regions` draws for a name.
public enum RegionWeights {
  private static let last: Set<String> = [
    "cls_logits", "bbox_pred", "cls_score", "mask_fcn_logits",
  ]

  /// The two images.
  public static var input: Tensor {
    let count = 2 * 3 * 64 * 96
    return Tensor(drawn("input", [count]).values.map { 4 * $0 }, shape: [2, 3, 64, 96])
  }

  /// A weight.
  /// - Parameters:
  ///   - name: Its name.
  ///   - shape: Its shape.
  /// - Returns: Numbers that are scaled by what the tensor is.
  public static func drawn(_ name: String, _ shape: [Int]) -> Tensor {
    var seed: UInt32 = 2_166_136_261
    for byte in name.utf8 { seed = (seed ^ UInt32(byte)) &* 16_777_619 }
    let count = shape.reduce(1, *)
    let parts = name.split(separator: ".").map(String.init)
    let kind = parts.last ?? ""
    let isLast = parts.count > 1 && last.contains(parts[parts.count - 2])
    let scale = (6 / Double(count / shape[0])).squareRoot() * (isLast ? 0.1 : 1)
    let values = (0..<count).map { index -> Float in
      var u = UInt32(truncatingIfNeeded: index) &* 2_654_435_761 &+ seed
      u = (u ^ (u >> 15)) &* 2_246_822_519
      u = (u ^ (u >> 13)) &* 3_266_489_917
      u ^= u >> 16
      let v = Double(u) / 4_294_967_296 * 2 - 1
      if shape.count > 1 { return Float(v * scale) }
      if kind == "weight" { return Float(0.2 * v + 1) }
      return Float(kind == "running_var" ? 0.5 * v + 1 : v * 0.1)
    }
    return Tensor(values, shape: shape)
  }
}
