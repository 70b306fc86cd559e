import CZip
import Foundation
import Support
import Tensors

/// A file that PyTorch's `torch.save` made, read without running anything of it.
///
/// Both layouts are known: the zip archive of PyTorch 1.6 and later, and the bare pickles before it.
/// What it may name is a short list of PyTorch's, NumPy's and Python's own constructors; a file with
/// anything else is refused, and the name is told.
public final class TorchFile {
  /// Where the numbers of a tensor lie.
  struct StoredTensor {
    /// The storage's key.
    var storage: String
    /// The type's name, such as "FloatStorage".
    var type: String
    /// The first number, counted in numbers.
    var offset: Int
    var shape: [Int]
    /// Steps of each axis, counted in numbers.
    var strides: [Int]
  }

  let path: String
  private let tree: PickleTree
  private let source: any TorchStorages

  /// The largest pickle that is believed: structure, not numbers.
  static let maximumPickleBytes = 256 << 20

  /// Opens a file and reads its structure; numbers stay on disk.
  /// - Parameter path: The file.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `LayersError.damagedWeights` when it is no
  ///   such file or damaged, `.forbiddenPickle` when it names what weights do not need.
  public init(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    self.path = path
    let file = try RangedFile(path)
    let magic = try file.read(0..<min(4, file.count))
    do {
      if magic.elementsEqual([0x50, 0x4B, 0x03, 0x04]) {
        let archive = try TorchArchive(path)
        tree = try PickleReader.read(try archive.pickle(), allowed: Self.isAllowed).tree
        source = archive
      } else {
        (tree, source) = try TorchLegacyStorages.open(file, path: path, allowed: Self.isAllowed)
      }
    } catch let fault as PickleFault {
      switch fault {
      case .damaged(let reason): throw LayersError.damagedWeights(path: path, reason: reason)
      case .forbidden(let name): throw LayersError.forbiddenPickle(path: path, name: name)
      }
    }
  }

  /// The constructors that weights and their descriptions need.
  private static let names: Set<String> = [
    "collections.OrderedDict", "collections.defaultdict", "builtins.set", "builtins.frozenset",
    "__builtin__.set", "builtins.dict", "builtins.list", "builtins.complex", "builtins.bytearray",
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
    "torch.nn.parameter.Parameter", "torch.device", "torch.Size",
    "torch._tensor._rebuild_from_type_v2",
    "torch.serialization._get_layout", "torch.storage.UntypedStorage", "torch.storage.TypedStorage",
    "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype",
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.ndarray",
    "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_tensorlist",
    "torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist",
    "torch.jit._pickle.build_tensor_from_id", "torch.jit._pickle.restore_type_tag",
    "_codecs.encode", "pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib.WindowsPath",
    "pathlib.PureWindowsPath", "pathlib.Path", "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath", "pathlib._local.PurePosixPath",
    "pathlib._local.PureWindowsPath", "argparse.Namespace", "datetime.datetime",
  ]

  private static func isAllowed(_ name: String) -> Bool {
    if names.contains(name) { return true }
    // Classes of TorchScript's programs, whose objects are attributes by name and nothing else.
    if name.hasPrefix("__torch__.") { return true }
    guard name.hasPrefix("torch.") else { return false }
    let last = name.dropFirst("torch.".count)
    if last.hasPrefix("cuda.") { return storageTypes.contains(String(last.dropFirst(5))) }
    return storageTypes.contains(String(last)) || scalarTypes.contains(String(last))
  }

  private static let storageTypes: Set<String> = [
    "FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage", "LongStorage", "IntStorage",
    "ShortStorage", "CharStorage", "ByteStorage", "BoolStorage",
  ]
  private static let scalarTypes: Set<String> = [
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
    "strided", "contiguous_format", "channels_last", "preserve_format",
  ]

  // MARK: - Structure

  /// Whether this is a program of TorchScript with constants of its own.
  var hasConstants: Bool { (source as? TorchArchive)?.hasConstants ?? false }

  /// The keys of the dictionary at a path, in the file's order; empty when there is none.
  /// - Parameter path: Keys from the top.
  /// - Returns: Text keys.
  public func keys(at path: [String] = []) -> [String] {
    value(at: path)?.pairs?.compactMap(\.key.text) ?? []
  }

  /// The text at a path, or nil.
  /// - Parameter path: Keys from the top.
  /// - Returns: The text.
  public func text(at path: [String]) -> String? { value(at: path)?.text }

  /// The whole numbers of the list or tuple at a path, or nil when it is none.
  /// - Parameter path: Keys from the top.
  /// - Returns: The numbers.
  public func integers(at path: [String]) -> [Int]? {
    guard let items = value(at: path)?.items else { return nil }
    let numbers = items.compactMap(\.int)
    return numbers.count == items.count ? numbers : nil
  }

  /// Whether something other than None lies at a path.
  /// - Parameter path: Keys from the top.
  /// - Returns: False for None and for absent keys.
  public func hasValue(at path: [String]) -> Bool {
    guard let value = value(at: path) else { return false }
    if case .none = value.kind { return false }
    return true
  }

  private func value(at path: [String]) -> PickleValue? {
    var value: PickleValue? = tree.root
    for key in path { value = value?[key] }
    return value
  }

  /// Whether the file is a program of TorchScript.
  public var isScript: Bool {
    if case .object(let callable, _, _) = tree.root.kind {
      return callable.globalName?.hasPrefix("__torch__.") ?? false
    }
    return false
  }

  // MARK: - Tensors

  /// How many floating tensors the dictionary at a path holds itself.
  func tensorCount(at path: [String]) -> Int {
    (value(at: path)?.pairs ?? []).count { key, value in
      key.text != nil && Self.stored(value).map { TorchNumber(storage: $0.type) != nil } == true
    }
  }

  /// How deep modules of TorchScript are believed to lie within each other.
  private static let maximumModuleDepth = 64
  /// How many attributes of modules are looked at.
  private static let maximumAttributes = 1_000_000

  /// The tensors of a program of TorchScript by attribute path, as its state dictionary has them.
  ///
  /// Modules are followed from the top, attributes that are no tensors left out.
  /// - Parameter isSkipped: Tells by its name whether a tensor is left out.
  /// - Returns: The tensors by dotted name.
  /// - Throws: `LayersError.damagedWeights` when modules lie within each other without end, or
  ///   numbers are missing or contradict shapes.
  func attributes(
    skipping isSkipped: (_ name: String) -> Bool = { _ in false }
  ) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    var open: [(module: PickleValue, path: [String])] = [(tree.root, [])]
    var seen = 0
    while let (module, path) = open.popLast() {
      guard case .object(let callable, _, let state?) = module.kind,
        callable.globalName?.hasPrefix("__torch__.") ?? false
      else { continue }
      guard path.count < Self.maximumModuleDepth else {
        throw LayersError.damagedWeights(path: self.path, reason: "its modules lie too deep")
      }
      for (key, value) in state.pairs ?? [] {
        seen += 1
        guard seen <= Self.maximumAttributes else {
          throw LayersError.damagedWeights(path: self.path, reason: "it has too many attributes")
        }
        guard let attribute = key.text else { continue }
        let name = (path + [attribute]).joined(separator: ".")
        if let stored = Self.stored(value) {
          guard !isSkipped(name), let number = TorchNumber(storage: stored.type) else { continue }
          result[name] = try tensor(stored, number: number, name: name)
        } else {
          open.append((value, path + [attribute]))
        }
      }
    }
    return result
  }

  /// The tensors of the dictionary at a path, such as a state dictionary.
  ///
  /// Numbers of any floating type are rounded to single precision; whole numbers are left out, as
  /// the counters of batch normalisation are. Tensors that share numbers are read once each.
  /// - Parameters:
  ///   - path: Keys from the top; none for a file that is a state dictionary itself.
  ///   - isSkipped: Tells by its name whether a tensor is left out.
  /// - Returns: The tensors by name.
  /// - Throws: `LayersError.damagedWeights` when numbers are missing or contradict shapes.
  public func tensors(
    at path: [String] = [],
    skipping isSkipped: (_ name: String) -> Bool = { _ in false }
  ) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (key, value) in value(at: path)?.pairs ?? [] {
      guard let name = key.text, !isSkipped(name), let stored = Self.stored(value) else { continue }
      guard let number = TorchNumber(storage: stored.type) else { continue }
      result[name] = try tensor(stored, number: number, name: name)
    }
    return result
  }

  /// What a call of a tensor's constructor describes, or nil for other values.
  private static func stored(_ value: PickleValue) -> StoredTensor? {
    guard case .object(let callable, let arguments, _) = value.kind,
      let items = arguments.items
    else { return nil }
    switch callable.globalName {
    case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
      return items.first.flatMap(stored)
    case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
      guard items.count >= 4, case .persistent(let identification) = items[0].kind,
        let parts = identification.items, parts.count >= 3, parts[0].text == "storage",
        let type = parts[1].globalName?.split(separator: ".").last,
        let key = parts[2].text, let offset = items[1].int,
        let shape = items[2].items?.compactMap(\.int),
        let strides = items[3].items?.compactMap(\.int),
        shape.count == items[2].items?.count, strides.count == shape.count
      else { return nil }
      return StoredTensor(
        storage: key,
        type: String(type),
        offset: offset,
        shape: shape,
        strides: strides
      )
    default: return nil
    }
  }

  private func tensor(_ stored: StoredTensor, number: TorchNumber, name: String) throws -> Tensor {
    func damaged(_ reason: String) -> LayersError {
      .damagedWeights(path: path, reason: "\(name) \(reason)")
    }
    guard stored.offset >= 0, stored.shape.allSatisfy({ $0 >= 0 }),
      stored.strides.allSatisfy({ $0 >= 0 })
    else { throw damaged("has a negative size") }
    var count = 1
    var reach = 1
    for (size, step) in zip(stored.shape, stored.strides) {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      let (length, overflow2) = max(size - 1, 0).multipliedReportingOverflow(by: step)
      let (sum, overflow3) = reach.addingReportingOverflow(length)
      guard !overflow, !overflow2, !overflow3 else { throw damaged("has an absurd size") }
      count = product
      reach = sum
    }
    if count == 0 { return Tensor([], shape: stored.shape) }
    let available = try source.count(stored.storage, number: number)
    guard let available, stored.offset <= available, reach <= available - stored.offset else {
      throw damaged("needs numbers that the file does not hold")
    }
    // Repeated numbers (a step of 0) may claim more memory than the file has bytes.
    guard count <= max(available, 1 << 20) else { throw damaged("is larger than its numbers") }
    let range = stored.offset..<stored.offset + reach
    let bytes = try source.read(stored.storage, range: range, number: number)
    let flat = bytes.withUnsafeBytes { number.stored.decoded($0, shape: [reach]) }
    if stored.strides == Self.rowMajor(stored.shape) { return flat.reshaped(stored.shape) }
    return Tensor(Self.gathered(flat.values, stored, count: count), shape: stored.shape)
  }

  private static func rowMajor(_ shape: [Int]) -> [Int] {
    var steps = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      steps[axis] = steps[axis + 1] * max(shape[axis + 1], 1)
    }
    return steps
  }

  /// The numbers in row-major order.
  private static func gathered(_ values: [Float], _ stored: StoredTensor, count: Int) -> [Float] {
    var index = [Int](repeating: 0, count: stored.shape.count)
    var place = 0
    return (0..<count).map { _ in
      let value = values[place]
      for axis in stored.shape.indices.reversed() {
        index[axis] += 1
        place += stored.strides[axis]
        if index[axis] < stored.shape[axis] { break }
        place -= stored.strides[axis] * stored.shape[axis]
        index[axis] = 0
      }
      return value
    }
  }
}

/// The floating types of PyTorch's storages.
enum TorchNumber {
  case float32, float64, float16, bfloat16

  /// By the storage's class; nil for whole numbers.
  init?(storage: String) {
    switch storage {
    case "FloatStorage": self = .float32
    case "DoubleStorage": self = .float64
    case "HalfStorage": self = .float16
    case "BFloat16Storage": self = .bfloat16
    default: return nil
    }
  }

  var stored: StoredNumber {
    switch self {
    case .float32: .float32
    case .float64: .float64
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }
}

/// Where numbers are read from.
protocol TorchStorages {
  /// How many numbers a storage holds, or nil when it is not there.
  func count(_ key: String, number: TorchNumber) throws -> Int?
  /// The bytes of some numbers of a storage.
  func read(_ key: String, range: Range<Int>, number: TorchNumber) throws -> Data
}
