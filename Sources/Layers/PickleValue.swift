/// A value of a pickle: what Python would have built, without anything having been called.
///
/// Lists and dictionaries may still grow while the pickle is read, and may hold each other, so values
/// are references. Whoever walks through them follows known keys, never everything.
final class PickleValue {
  /// What the value is.
  enum Kind {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case text(String)
    case bytes([UInt8])
    case list([PickleValue])
    case tuple([PickleValue])
    /// Keys and values in the order of the pickle.
    case dictionary([(key: PickleValue, value: PickleValue)])
    /// A class or function by name; never looked up.
    case global(module: String, name: String)
    /// What a call would have made: whose call, with what, and the state that was set afterwards.
    case object(callable: PickleValue, arguments: PickleValue, state: PickleValue?)
    /// Something that lies outside the pickle, by its identification.
    case persistent(PickleValue)
  }

  /// What the value is.
  var kind: Kind

  init(_ kind: Kind) { self.kind = kind }

  /// The whole number, or nil; truth values are none.
  var int: Int? { if case .int(let value) = kind { value } else { nil } }

  /// The text, or nil.
  var text: String? { if case .text(let value) = kind { value } else { nil } }

  /// The truth value, or nil.
  var bool: Bool? { if case .bool(let value) = kind { value } else { nil } }

  /// The items of a list or tuple, or nil.
  var items: [PickleValue]? {
    switch kind {
    case .list(let items), .tuple(let items): items
    default: nil
    }
  }

  /// Keys and values of a dictionary, ordered ones included, or nil.
  var pairs: [(key: PickleValue, value: PickleValue)]? {
    switch kind {
    case .dictionary(let pairs): pairs
    default: nil
    }
  }

  /// The value of a text key, or nil.
  subscript(_ key: String) -> PickleValue? {
    pairs?.last { $0.key.text == key }?.value
  }

  /// "module.name" of a class or function, or nil.
  var globalName: String? {
    if case .global(let module, let name) = kind { "\(module).\(name)" } else { nil }
  }
}

/// A pickle's values, of which the last one is the result.
///
/// It owns every value, and takes them apart one by one: a chain of a million lists within lists
/// would otherwise be freed by as many nested calls. Values are not used after it is gone.
final class PickleTree {
  /// The result.
  let root: PickleValue
  private let values: [PickleValue]

  init(root: PickleValue, values: [PickleValue]) {
    self.root = root
    self.values = values
  }

  /// What the pickle says of things that lie outside it.
  var storages: [PickleValue] {
    values.compactMap { value in
      if case .persistent(let identification) = value.kind { identification } else { nil }
    }
  }

  deinit { Self.takeApart(values) }

  /// Empties values of which each is still held by the list.
  static func takeApart(_ values: [PickleValue]) {
    for value in values { value.kind = .none }
  }
}
