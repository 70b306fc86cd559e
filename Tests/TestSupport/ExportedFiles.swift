public import Foundation

/// Exported networks beside what they give, for `Tests/Fixtures/onnx/check_exports.py`, which compares with
/// ONNX Runtime.
public enum ExportedFiles {
  /// Writes files where the variable `LAMINA_ONNX_EXPORTS` names a folder; else nothing.
  /// - Parameters:
  ///   - graph: An ONNX file.
  ///   - values: A safetensors file of its input, `input`, and its outputs by name.
  ///   - name: What the files are called.
  /// - Throws: What writing throws.
  public static func write(_ graph: Data, _ values: Data, _ name: String) throws {
    guard let path = ProcessInfo.processInfo.environment["LAMINA_ONNX_EXPORTS"] else { return }
    let folder = URL(fileURLWithPath: path)
    try graph.write(to: folder.appendingPathComponent(name + ".onnx"))
    try values.write(to: folder.appendingPathComponent(name + ".safetensors"))
  }
}
