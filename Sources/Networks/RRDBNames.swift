import Tensors

/// The names that programs give the parameters of ESRGAN's generator.
///
/// Three are in use: numbers of a sequence (the first program), `RRDB_trunk` (ESRGAN's own), and `body`
/// (BasicSR and Real-ESRGAN).
enum RRDBNames {
  /// The tensors under our names; nil when they are of another network.
  static func renamed(_ tensors: [String: Tensor]) -> [String: Tensor]? {
    if tensors["trunk.0.0.layers.0.weight"] != nil { return tensors }
    let rename: (([Substring]) -> String?)?
    if tensors["model.1.sub.0.RDB1.conv1.0.weight"] != nil {
      let steps = numberedSteps(tensors, prefix: "model.")
      rename = { sequence(Array($0.dropFirst()), steps) }
    } else if tensors["1.sub.0.RDB1.conv1.0.weight"] != nil {
      let steps = numberedSteps(tensors, prefix: "")
      rename = { sequence($0, steps) }
    } else if tensors["RRDB_trunk.0.RDB1.conv1.weight"] != nil {
      rename = { modules($0, trunk: "RRDB_trunk", dense: "RDB") }
    } else if tensors["body.0.rdb1.conv1.weight"] != nil {
      rename = { modules($0, trunk: "body", dense: "rdb") }
    } else {
      rename = nil
    }
    guard let rename else { return nil }
    var result: [String: Tensor] = [:]
    for (name, tensor) in tensors {
      let parts = name.split(separator: ".")
      guard let kind = parts.last, let place = rename(parts.dropLast()) else { return nil }
      result[place + "." + kind] = tensor
    }
    return result
  }

  /// ESRGAN's and BasicSR's modules.
  private static func modules(_ parts: [Substring], trunk: String, dense: String) -> String? {
    if parts.count == 4, parts[0] == trunk, let block = Int(parts[1]) {
      guard parts[2].hasPrefix(dense), let part = Int(parts[2].dropFirst(dense.count)),
        parts[3].hasPrefix("conv"), let layer = Int(parts[3].dropFirst(4))
      else { return nil }
      return "trunk.\(block).\(part - 1).layers.\(layer - 1)"
    }
    guard parts.count == 1 else { return nil }
    switch parts[0] {
    case "conv_first": return "first"
    case "conv_last": return "last"
    case "trunk_conv", "conv_body": return "after_trunk"
    case "HRconv", "conv_hr": return "fine"
    default:
      for prefix in ["upconv", "conv_up"] where parts[0].hasPrefix(prefix) {
        return Int(parts[0].dropFirst(prefix.count)).map { "up\($0)" }
      }
      return nil
    }
  }

  /// The places of what follows the trunk: every third for a doubling, then two for the end.
  private static func numberedSteps(_ tensors: [String: Tensor], prefix: String) -> [Int] {
    (2..<40).filter { tensors["\(prefix)\($0).weight"] != nil }
  }

  /// The first program's sequence.
  private static func sequence(_ parts: [Substring], _ steps: [Int]) -> String? {
    if parts == ["0"] { return "first" }
    if parts.count == 3, parts[0] == "1", parts[1] == "sub", Int(parts[2]) != nil {
      return "after_trunk"
    }
    if parts.count == 6, parts[0] == "1", parts[1] == "sub", let block = Int(parts[2]),
      parts[3].hasPrefix("RDB"), let part = Int(parts[3].dropFirst(3)),
      parts[4].hasPrefix("conv"), let layer = Int(parts[4].dropFirst(4)), parts[5] == "0"
    {
      return "trunk.\(block).\(part - 1).layers.\(layer - 1)"
    }
    guard parts.count == 1, let place = Int(parts[0]), let index = steps.firstIndex(of: place)
    else { return nil }
    switch steps.count - index {
    case 1: return "last"
    case 2: return "fine"
    default: return "up\(index + 1)"
    }
  }
}
