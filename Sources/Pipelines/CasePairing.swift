import Foundation
import Support

/// One case of an evaluation: a prediction and its reference.
public struct CasePair: Equatable, Sendable {
  /// The case's name.
  public let id: String
  /// The prediction's file.
  public let prediction: String
  /// The reference's file.
  public let reference: String
}

/// Which predictions belong to which references, by their names.
///
/// A side is a file, a result folder of `lamina segment` (its case is the folder's name), or a
/// folder of files and of such result folders. Hidden files and other files of a folder are passed
/// over.
public struct CasePairing: Equatable, Sendable {
  /// The cases that are there on both sides, by name as people sort.
  public let pairs: [CasePair]
  /// Cases without a reference, and references without a prediction: name and what is missing.
  public let unpaired: [(id: String, problem: String)]

  /// The label map of a result folder of `lamina segment`.
  public static let resultFileName = "segmentation.nii.gz"

  /// Pairs what two paths hold.
  ///
  /// Two single cases belong together whatever their names. A single prediction takes its own
  /// reference out of a folder and leaves the others alone.
  /// - Parameters:
  ///   - prediction: A file or folder.
  ///   - reference: A file or folder.
  /// - Throws: `SupportError.notFound`; `PairingError` when a folder holds no case, when two files
  ///   of a folder have one case name, or when nothing fits.
  public init(prediction: String, reference: String) throws {
    let predictions = try CaseListing(prediction)
    let references = try CaseListing(reference)
    if predictions.isSingle, references.isSingle {
      pairs = zip(predictions.cases, references.cases).map {
        CasePair(id: $0.id, prediction: $0.path, reference: $1.path)
      }
      unpaired = []
      return
    }
    if references.isSingle {
      throw PairingError.oneReference(prediction: prediction, reference: reference)
    }
    let known = Dictionary(uniqueKeysWithValues: references.cases.map { ($0.id, $0.path) })
    var pairs: [CasePair] = []
    var unpaired: [(id: String, problem: String)] = []
    for item in predictions.cases {
      if let match = known[item.id] {
        pairs.append(CasePair(id: item.id, prediction: item.path, reference: match))
      } else {
        unpaired.append((item.id, "\(item.path) has no reference named \(item.id) in \(reference)"))
      }
    }
    if !predictions.isSingle {
      let predicted = Set(predictions.cases.map(\.id))
      for item in references.cases where !predicted.contains(item.id) {
        unpaired.append(
          (item.id, "\(item.path) has no prediction named \(item.id) in \(prediction)")
        )
      }
    }
    guard !pairs.isEmpty else {
      throw PairingError.nothingInCommon(
        prediction: prediction,
        reference: reference,
        example: predictions.cases[0].id
      )
    }
    self.pairs = pairs
    self.unpaired = unpaired.sorted { $0.id < $1.id }
  }

  /// Whether the same cases are paired and the same ones left over.
  public static func == (a: CasePairing, b: CasePairing) -> Bool {
    a.pairs == b.pairs && a.unpaired.elementsEqual(b.unpaired) { $0 == $1 }
  }
}

/// What can go wrong when predictions and references are paired.
public enum PairingError: ClassifiedError, Equatable {
  /// A folder holds neither images nor result folders.
  case noCases(folder: String)
  /// Two files of a folder have the same case name.
  case ambiguousCase(folder: String, id: String)
  /// A folder of predictions cannot share one reference.
  case oneReference(prediction: String, reference: String)
  /// No name is on both sides.
  case nothingInCommon(prediction: String, reference: String, example: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .noCases, .nothingInCommon: .missingInput
    case .ambiguousCase: .damagedInput
    case .oneReference: .usage
    }
  }

  /// One sentence.
  public var description: String {
    switch self {
    case .noCases(let folder):
      "\(folder) holds no label maps and no results of lamina segment; give a folder that does."
    case .ambiguousCase(let folder, let id):
      "\(folder) holds two files of the case \(id); keep one of them."
    case .oneReference(let prediction, let reference):
      "\(prediction) is a folder of cases but \(reference) is one file; give a folder of references."
    case .nothingInCommon(let prediction, let reference, let example):
      "No case of \(prediction) (such as \(example)) has a reference of that name in \(reference)."
    }
  }
}

/// The cases that a path holds.
struct CaseListing {
  struct Case {
    let id: String
    let path: String
  }

  /// By name; never empty.
  let cases: [Case]
  /// Whether the path itself is one case, not a folder of cases.
  let isSingle: Bool

  init(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw SupportError.notFound(path: path)
    }
    if !isFolder.boolValue {
      cases = [Case(id: Self.caseName(ofFile: path), path: path)]
      isSingle = true
      return
    }
    if let result = Self.result(in: path) {
      cases = [Case(id: URL(fileURLWithPath: path).lastPathComponent, path: result)]
      isSingle = true
      return
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
    var found: [Case] = []
    for name in names.sorted() where !name.hasPrefix(".") {
      let item = path.hasSuffix("/") ? path + name : path + "/" + name
      if let result = Self.result(in: item) {
        found.append(Case(id: name, path: result))
      } else if Self.endings.contains(where: { name.lowercased().hasSuffix($0) }) {
        found.append(Case(id: Self.caseName(ofFile: name), path: item))
      }
    }
    guard !found.isEmpty else { throw PairingError.noCases(folder: path) }
    var seen = Set<String>()
    for item in found where !seen.insert(item.id).inserted {
      throw PairingError.ambiguousCase(folder: path, id: item.id)
    }
    cases = found
    isSingle = false
  }

  /// `.img` is not listed: its `.hdr` is the case.
  private static let endings = [".nii.gz", ".nii", ".hdr", ".hdr.gz", ".png"]

  private static func result(in folder: String) -> String? {
    let file = folder + "/" + CasePairing.resultFileName
    return FileManager.default.fileExists(atPath: file) ? file : nil
  }

  /// The file's name without its ending; a result folder's file is named for the folder.
  private static func caseName(ofFile path: String) -> String {
    let url = URL(fileURLWithPath: path)
    if url.lastPathComponent == CasePairing.resultFileName {
      return url.deletingLastPathComponent().lastPathComponent
    }
    let name = url.lastPathComponent
    let ending = (endings + [".img", ".img.gz"]).first { name.lowercased().hasSuffix($0) }
    return String(name.dropLast(ending?.count ?? 0))
  }
}
