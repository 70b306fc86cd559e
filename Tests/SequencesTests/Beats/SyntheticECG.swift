import Foundation
import Support

/// A made-up electrocardiogram of one lead and its beats: bells for P, QRS and T, some atrial premature.
struct SyntheticECG: Sendable {
  /// Samples a second.
  static let samplingHz = 360.0
  /// Values of the lead, mV, in steps of 1/200.
  private(set) var values: [Double] = []
  /// Samples of the R peaks, with PhysioNet's symbols.
  private(set) var beats: [(sample: Int, symbol: String)] = []

  /// Makes a record.
  /// - Parameters:
  ///   - seconds: Its length.
  ///   - seed: Seed of intervals, noise and which beats are premature (one in five).
  init(seconds: Double, seed: UInt64) {
    var random = RandomStream(seed: seed)
    let count = Int(seconds * Self.samplingHz)
    values = (0..<count).map { index in
      0.02 * random.normal() + 0.1 * sin(2 * .pi * 0.2 * Double(index) / Self.samplingHz)
    }
    var time = 0.6
    while time < seconds - 0.5 {
      let isPremature = random.uniform() < 0.2 && beats.count > 1
      // A premature beat comes a quarter of an interval early, and the pause after it is longer.
      if isPremature { time -= 0.2 }
      let sample = Int((time * Self.samplingHz).rounded())
      beats.append((sample, isPremature ? "A" : "N"))
      let wave = isPremature ? (delay: -0.11, height: -0.1) : (delay: -0.17, height: 0.15)
      add(sample, delay: wave.delay, width: 0.02, height: wave.height)
      add(sample, delay: -0.025, width: 0.008, height: -0.12)
      add(sample, delay: 0, width: 0.012, height: 1.1)
      add(sample, delay: 0.03, width: 0.01, height: -0.2)
      add(sample, delay: 0.26, width: 0.045, height: 0.3)
      time += (isPremature ? 0.9 : 0.8) + 0.02 * random.normal()
    }
  }

  /// Writes the record as WFDB: header, signal in format 212 (the lead and its negative), annotations.
  /// - Parameters:
  ///   - folder: A folder that exists.
  ///   - name: The record's name.
  /// - Throws: What writing files throws.
  func write(to folder: String, name: String) throws {
    let steps = values.map { min(2047, max(-2047, Int(($0 * 200).rounded()))) }
    var bytes: [UInt8] = []
    for step in steps {
      let (a, b) = (UInt16(bitPattern: Int16(step)), UInt16(bitPattern: Int16(-step)))
      bytes += [UInt8(a & 255), UInt8(a >> 8 & 15) | UInt8(b >> 8 & 15) << 4, UInt8(b & 255)]
    }
    let sum = Int16(truncatingIfNeeded: steps.reduce(0, +))
    let negative = Int16(truncatingIfNeeded: -steps.reduce(0, +))
    let header = """
      \(name) 2 360 \(steps.count)
      \(name).dat 212 200 12 0 \(steps[0]) \(sum) 0 MLII
      \(name).dat 212 200/mV 12 0 \(-steps[0]) \(negative) 0 V5

      # 42 F PATIENT NAME
      """
    let codes = ["N": 1, "A": 8, "V": 5]
    var (marks, last) = ([UInt8](), 0)
    func append(_ word: Int) { marks += [UInt8(word & 255), UInt8(word >> 8 & 255)] }
    for beat in beats {
      let step = beat.sample - last
      last = beat.sample
      // Steps of more than ten bits have a word of their own, the upper half first.
      if step > 1023 {
        for word in [59 << 10, step >> 16, step & 65_535] { append(word) }
      }
      append((codes[beat.symbol] ?? 13) << 10 | (step > 1023 ? 0 : step))
    }
    append(0)
    for (ending, data) in [
      ("hea", Data(header.utf8)), ("dat", Data(bytes)), ("atr", Data(marks)),
    ] { try data.write(to: URL(fileURLWithPath: "\(folder)/\(name).\(ending)")) }
  }

  private mutating func add(_ sample: Int, delay: Double, width: Double, height: Double) {
    let middle = Double(sample) / Self.samplingHz + delay
    let first = max(0, Int((middle - 5 * width) * Self.samplingHz))
    let last = min(values.count - 1, Int((middle + 5 * width) * Self.samplingHz))
    guard first <= last else { return }
    for index in first...last {
      let distance = (Double(index) / Self.samplingHz - middle) / width
      values[index] += height * exp(-distance * distance / 2)
    }
  }
}
