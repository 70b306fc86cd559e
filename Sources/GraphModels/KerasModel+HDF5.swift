import CHDF5
import CZip
import Foundation
import Support
import Synchronization
import Tensors

extension KerasModel {
  /// Reads a model that Keras saved as HDF5 (`.h5`, `.hdf5`) or in its own format (`.keras`).
  ///
  /// The content decides which. Weights alone, without a description, are not enough.
  /// - Parameter path: The file.
  /// - Throws: `SupportError.notFound`; `GraphModelsError.damagedModel` when the file is damaged, holds no
  ///   description, or more than is believed.
  public init(savedModel path: String) throws {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw SupportError.notFound(path: path)
    }
    let magic = try handle.read(upToCount: 4) ?? Data()
    try handle.close()
    if magic.elementsEqual([0x50, 0x4B, 0x03, 0x04]) {
      try self.init(archive: path)
    } else {
      let file = try HDF5File(path, named: path)
      guard let text = file.text("model_config") else {
        throw GraphModelsError.damagedModel(
          path: path,
          reason: "it holds weights without a description of the model"
        )
      }
      // [model_weights/]layer/…/weight[:0].
      var weights: [String: Tensor] = [:]
      for (name, tensor) in try file.tensors(where: { !$0.hasPrefix("optimizer_weights/") }) {
        var parts = name.split(separator: "/").map(String.init)
        if parts.first == "model_weights" { parts.removeFirst() }
        guard parts.count >= 2, let own = parts[parts.count - 1].split(separator: ":").first
        else { continue }
        weights["\(parts[0])/\(own)"] = tensor
      }
      try self.init(description: Data(text.utf8), weights: weights, path: path)
    }
  }

  /// The largest archive member that is believed.
  private static let maximumMember = 4 << 30

  /// Keras 3: a zip with `config.json` and `model.weights.h5`.
  private init(archive path: String) throws {
    func damaged(_ reason: String) -> GraphModelsError {
      .damagedModel(path: path, reason: reason)
    }
    var opened: OpaquePointer?
    guard czip_open(path, &opened) == CZIP_OK, let archive = opened else {
      throw damaged("its zip directory cannot be read")
    }
    defer { czip_close(archive) }
    let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    func member(_ wanted: String) throws -> Data {
      for index in 0..<czip_count(archive) {
        var entry = czip_entry()
        guard czip_describe(archive, index, &entry) == CZIP_OK, entry.kind == CZIP_FILE,
          String(cString: entry.name) == wanted
        else { continue }
        // Deflate packs a thousandfold at most.
        guard let count = Int(exactly: entry.size), count <= Self.maximumMember,
          count / 1100 <= size
        else { throw damaged("\(wanted) claims \(entry.size) bytes") }
        var data = Data(count: count)
        let status = data.withUnsafeMutableBytes {
          czip_read(archive, index, $0.baseAddress, UInt64(count))
        }
        guard status == CZIP_OK else { throw damaged("\(wanted) cannot be read") }
        return data
      }
      throw damaged("it holds no \(wanted)")
    }
    let description = try member("config.json")
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lamina-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let place = folder.appendingPathComponent("weights.h5")
    try member("model.weights.h5").write(to: place)
    let file = try HDF5File(place.path, named: path)
    let stored = try file.tensors { $0.hasPrefix("layers/") }
    try self.init(description: description, weights: stored, path: path) { layers, stored in
      Self.named(layers, stored)
    }
  }

  /// Weights by layer and name from "layers/CLASS_NUMBER/vars/PLACE".
  ///
  /// Layers are numbered there by their class, whatever their names are.
  private static func named(_ layers: [Layer], _ stored: [String: Tensor]) -> [String: Tensor] {
    var used: [String: Int] = [:]
    var weights: [String: Tensor] = [:]
    for layer in layers {
      let kind = snakeCase(layer.className)
      let number = used[kind, default: 0]
      used[kind] = number + 1
      let prefix = "layers/" + kind + (number == 0 ? "" : "_\(number)") + "/vars/"
      for (place, name) in order(of: layer).enumerated() {
        if let tensor = stored[prefix + "\(place)"] { weights["\(layer.name)/\(name)"] = tensor }
      }
    }
    return weights
  }

  /// The names of a layer's weights in Keras' order.
  private static func order(of layer: Layer) -> [String] {
    func has(_ key: String) -> Bool { layer.values[key]?.truth ?? true }
    switch layer.className {
    case "BatchNormalization":
      return (has("scale") ? ["gamma"] : []) + (has("center") ? ["beta"] : [])
        + ["moving_mean", "moving_variance"]
    case "PReLU": return ["alpha"]
    default: return has("use_bias") ? ["kernel", "bias"] : ["kernel"]
    }
  }

  /// "Conv2DTranspose" as "conv2d_transpose".
  static func snakeCase(_ name: String) -> String {
    let letters = Array(name)
    var result = ""
    for (index, letter) in letters.enumerated() {
      if letter.isUppercase, index > 0 {
        let next = index + 1 < letters.count ? letters[index + 1] : "-"
        if next.isLowercase || letters[index - 1].isLowercase { result += "_" }
      }
      result += letter.lowercased()
    }
    return result
  }
}

/// A file of HDF5, of which tensors of floating numbers and texts are read.
final class HDF5File {
  private let handle: OpaquePointer
  private let path: String
  /// libhdf5 is not made for several threads.
  private static let lock = Mutex(())

  /// Opens a file; messages name it by `named`.
  init(_ path: String, named: String) throws(GraphModelsError) {
    self.path = named
    var opened: OpaquePointer?
    let status = Self.lock.withLock { _ in chdf5_open(path, &opened) }
    guard status == Int32(CHDF5_OK), let opened else {
      throw .damagedModel(
        path: named,
        reason: status == Int32(CHDF5_TOO_LARGE)
          ? "it holds more than is believed" : "it is no readable HDF5 file"
      )
    }
    handle = opened
  }

  deinit { Self.lock.withLock { _ in chdf5_close(handle) } }

  /// The tensors whose path from the root is wanted.
  func tensors(where isWanted: (String) -> Bool) throws(GraphModelsError) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for index in 0..<chdf5_count(handle) {
      var dataset = chdf5_dataset()
      guard chdf5_describe(handle, index, &dataset) == Int32(CHDF5_OK) else { continue }
      let name = String(cString: dataset.name)
      guard isWanted(name) else { continue }
      let shape = withUnsafeBytes(of: dataset.shape) { bytes in
        bytes.bindMemory(to: Int64.self).prefix(Int(dataset.rank)).map { Int($0) }
      }
      var values = [Float](repeating: 0, count: shape.reduce(1, *))
      let count = UInt64(values.count)
      let status = values.withUnsafeMutableBufferPointer { buffer in
        Self.lock.withLock { _ in chdf5_read(handle, index, buffer.baseAddress, count) }
      }
      guard status == Int32(CHDF5_OK) else {
        throw .damagedModel(path: path, reason: "its tensor \(name) cannot be read")
      }
      result[name] = Tensor(values, shape: shape)
    }
    return result
  }

  /// A text attribute of the root, or nil.
  func text(_ name: String) -> String? {
    Self.lock.withLock { _ in
      var length: UInt64 = 0
      guard chdf5_text(handle, name, nil, 0, &length) == Int32(CHDF5_OK) else { return nil }
      var bytes = [CChar](repeating: 0, count: Int(length))
      guard chdf5_text(handle, name, &bytes, length, &length) == Int32(CHDF5_OK) else {
        return nil
      }
      return String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}
