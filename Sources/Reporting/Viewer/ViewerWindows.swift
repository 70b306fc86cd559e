import Imaging

/// Grey windows to choose from.
enum ViewerWindows {
  /// The usual windows of computed tomography, HU: centre and width as radiology displays name them.
  private static let tomography: [(name: String, level: Double, width: Double)] = [
    ("Soft tissue", 40, 400), ("Lung", -600, 1500), ("Bone", 400, 1800), ("Brain", 40, 80),
    ("Liver", 60, 150), ("Mediastinum", 50, 350),
  ]

  /// The windows of a scan with these finite values; the first is shown first, the last one spans
  /// all values.
  static func windows(sorted: [Float], unit: String) -> [ViewerRecord.Window] {
    guard let first = sorted.first, let last = sorted.last, last > first else {
      let value = Double(sorted.first ?? 0)
      return [ViewerRecord.Window(name: "All values", low: value, high: value + 1)]
    }
    func share(_ share: Double) -> Double {
      Double(sorted[Int((Double(sorted.count - 1) * share).rounded())])
    }
    var windows: [ViewerRecord.Window] = []
    if unit == "HU" {
      windows = tomography.map { name, level, width in
        ViewerRecord.Window(name: name, low: level - width / 2, high: level + width / 2)
      }
    }
    for (name, low, high) in [
      ("Middle 99 %", 0.005, 0.995), ("Middle 96 %", 0.02, 0.98), ("Middle 90 %", 0.05, 0.95),
    ] where share(high) > share(low) {
      windows.append(ViewerRecord.Window(name: name, low: share(low), high: share(high)))
    }
    windows.append(ViewerRecord.Window(name: "All values", low: Double(first), high: Double(last)))
    return windows
  }

  /// A sample of the finite values, sorted: at most about a million.
  static func sorted(_ values: [Float]) -> [Float] {
    let step = max(1, values.count / (1 << 20))
    return stride(from: 0, to: values.count, by: step).map { values[$0] }.filter(\.isFinite)
      .sorted()
  }
}
