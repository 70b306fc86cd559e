/// A side of the patient, towards which an index grows.
public enum AxisCode: Character, Sendable, CaseIterable, Codable {
  /// The patient's left, +x of the LPS frame.
  case left = "L"
  /// The patient's right, -x.
  case right = "R"
  /// The back, +y.
  case posterior = "P"
  /// The front, -y.
  case anterior = "A"
  /// The head, +z.
  case superior = "S"
  /// The feet, -z.
  case inferior = "I"

  /// The axis of the LPS frame: 0, 1 or 2.
  public var patientAxis: Int {
    switch self {
    case .left, .right: 0
    case .posterior, .anterior: 1
    case .superior, .inferior: 2
    }
  }

  /// Whether the side is the positive end of its axis in the LPS frame.
  public var isPositive: Bool {
    switch self {
    case .left, .posterior, .superior: true
    case .right, .anterior, .inferior: false
    }
  }

  /// The side's unit vector in the LPS frame.
  public var unitVector: SIMD3<Double> {
    var vector = SIMD3<Double>(repeating: 0)
    vector[patientAxis] = isPositive ? 1 : -1
    return vector
  }

  /// The side at one end of a patient axis.
  /// - Parameters:
  ///   - patientAxis: 0, 1 or 2.
  ///   - isPositive: Whether the end is the positive one in the LPS frame.
  /// - Precondition: The axis is 0, 1 or 2.
  public init(patientAxis: Int, isPositive: Bool) {
    switch (patientAxis, isPositive) {
    case (0, true): self = .left
    case (0, false): self = .right
    case (1, true): self = .posterior
    case (1, false): self = .anterior
    case (2, true): self = .superior
    case (2, false): self = .inferior
    default: preconditionFailure("there is no patient axis \(patientAxis)")
    }
  }

  /// Decodes one letter.
  /// - Parameter decoder: Where from.
  /// - Throws: `ImagingError.invalidOrientation` for other text.
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard text.count == 1, let character = text.first, let code = AxisCode(rawValue: character)
    else { throw ImagingError.invalidOrientation(code: text) }
    self = code
  }

  /// Encodes one letter.
  /// - Parameter encoder: Where to.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(String(rawValue))
  }
}

/// One of the 48 ways in which a grid's axes can run along the patient's axes.
///
/// The code has three letters, for x, y and z; each names the side of the patient towards which the
/// index grows, as nibabel's `aff2axcodes` writes it: the grid of a DICOM axial slice stack is LPS,
/// NIfTI's canonical one RAS.
public struct Orientation: Equatable, Hashable, Sendable, Codable, CustomStringConvertible {
  /// The sides towards which the indices x, y and z grow.
  public let axes: [AxisCode]

  /// Creates an orientation of a code such as "RAS".
  /// - Parameter code: Three letters, one each of R/L, A/P and S/I, in either case.
  /// - Throws: `ImagingError.invalidOrientation` when the letters do not name an orientation.
  public init(code: String) throws(ImagingError) {
    let axes = code.uppercased().compactMap { AxisCode(rawValue: $0) }
    guard code.count == 3, axes.count == 3, Set(axes.map(\.patientAxis)).count == 3 else {
      throw .invalidOrientation(code: code)
    }
    self.axes = axes
  }

  init(axes: [AxisCode]) {
    precondition(
      axes.count == 3 && Set(axes.map(\.patientAxis)).count == 3,
      "\(axes) does not name each patient axis once"
    )
    self.axes = axes
  }

  /// All 48 orientations, by permutation of the patient axes and then by signs.
  public static let all: [Orientation] = permutations.flatMap { permutation in
    (0..<8).map { signs in
      Orientation(
        axes: (0..<3).map {
          AxisCode(patientAxis: permutation[$0], isPositive: signs & (1 << $0) == 0)
        }
      )
    }
  }

  /// The frame of DICOM.
  public static let lps = Orientation(axes: [.left, .posterior, .superior])
  /// The frame of NIfTI.
  public static let ras = Orientation(axes: [.right, .anterior, .superior])

  /// The three letters, such as "RAS".
  public var code: String { String(axes.map(\.rawValue)) }

  /// The code.
  public var description: String { code }

  /// The direction matrix of a grid that runs exactly along the patient's axes.
  public var direction: Matrix3 {
    Matrix3(axes[0].unitVector, axes[1].unitVector, axes[2].unitVector)
  }

  /// Decodes the code.
  /// - Parameter decoder: Where from.
  /// - Throws: `ImagingError.invalidOrientation` for other text.
  public init(from decoder: any Decoder) throws {
    try self.init(code: decoder.singleValueContainer().decode(String.self))
  }

  /// Encodes the code.
  /// - Parameter encoder: Where to.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(code)
  }

  static let permutations = [
    [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0],
  ]
}

extension ImageGeometry {
  /// The orientation nearest to the grid's direction.
  ///
  /// Each patient axis is used once: of the six assignments the one whose |cosines| have the largest
  /// sum is taken, so that the answer is defined for every oblique grid; at a tie the earlier
  /// permutation wins.
  public var orientation: Orientation {
    var best = Orientation.permutations[0]
    var bestSum = -Double.infinity
    for permutation in Orientation.permutations {
      let sum = (0..<3).reduce(0.0) { $0 + abs(direction[permutation[$1], $1]) }
      // Rounding must not decide between assignments that are equally good.
      if sum > bestSum + 1e-9 {
        best = permutation
        bestSum = sum
      }
    }
    return Orientation(
      axes: (0..<3).map { axis in
        AxisCode(patientAxis: best[axis], isPositive: direction[best[axis], axis] >= 0)
      }
    )
  }
}
