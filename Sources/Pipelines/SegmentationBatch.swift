import Foundation
import Support
import Synchronization

/// Segments the cases of a batch one after the other; what fails is listed and never stops the others.
///
/// While the network works on a case, the next one is read and the one before is written, each on a
/// thread of its own; no more than one of each is held. With a ceiling of memory they take turns.
public struct SegmentationBatch: Sendable {
  /// Writes a finished case to where it belongs.
  public typealias Writer = @Sendable (SegmentationRun.Result, _ folder: String) throws -> Void

  private let run: SegmentationRun
  private let write: Writer
  private let sentence: @Sendable (any Error) -> String
  private let overlaps: Bool
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a batch.
  /// - Parameters:
  ///   - run: What segments a case.
  ///   - overlaps: Whether reading and writing go on beside the network.
  ///   - progress: Told about cases that fail.
  ///   - interruption: Looked at between cases.
  ///   - sentence: One sentence for an error.
  ///   - write: Writes a finished case; called for one case at a time, on any thread.
  public init(
    run: SegmentationRun,
    overlaps: Bool,
    progress: any ProgressReporter,
    interruption: Interruption,
    sentence: @escaping @Sendable (any Error) -> String,
    write: @escaping Writer
  ) {
    self.run = run
    self.overlaps = overlaps
    self.progress = progress
    self.interruption = interruption
    self.sentence = sentence
    self.write = write
  }

  /// Segments the cases.
  /// - Parameters:
  ///   - cases: The cases.
  ///   - output: The batch's folder; a case gets the folder of its name there.
  ///   - resumes: Whether cases whose results are there are left out.
  ///   - model: The model's name for the manifest.
  ///   - changed: Called with the manifest whenever a case is done with.
  /// - Returns: What became of each case, in order.
  /// - Throws: `SupportError.interrupted`; what `changed` throws.
  public func process(
    _ cases: [SegmentationInputs.Case],
    into output: String,
    resumes: Bool,
    model: String,
    changed: (SegmentationManifest) throws -> Void
  ) throws -> SegmentationManifest {
    var manifest = SegmentationManifest(model: model)
    let todo = cases.map { !resumes || !run.isDone($0, in: output + "/" + $0.id) }
    func after(_ index: Int) -> Int? { cases.indices.first { $0 > index && todo[$0] } }
    var reading: (index: Int, job: Job<SegmentationRun.LoadedCase>)?
    var writing: (item: SegmentationInputs.Case, seconds: Double, job: Job<Void>)?
    defer { writing?.job.wait() }

    func note(
      _ item: SegmentationInputs.Case,
      _ status: SegmentationManifest.Status,
      _ seconds: Double,
      _ error: (any Error)? = nil
    ) throws {
      if let error, case SupportError.interrupted = error { throw error }
      let text = error.map(sentence)
      if let text { progress.warn("\(item.id): \(text)") }
      manifest.cases.append(
        SegmentationManifest.Case(
          id: item.id,
          input: item.path,
          status: status,
          seconds: (seconds * 1000).rounded() / 1000,
          peakMemoryMB: SegmentationRun.peakMemoryMB,
          error: text
        )
      )
      try changed(manifest)
    }
    func finishWriting() throws {
      guard let last = writing else { return }
      writing = nil
      let (result, seconds) = last.job.value()
      switch result {
      case .success: try note(last.item, .done, last.seconds + seconds)
      case .failure(let error): try note(last.item, .failed, last.seconds + seconds, error)
      }
    }

    for (index, item) in cases.enumerated() {
      try interruption.check()
      guard todo[index] else {
        try finishWriting()
        try note(item, .skipped, 0)
        continue
      }
      let job =
        reading.flatMap { $0.index == index ? $0.job : nil }
        ?? Job(isApart: false) { try run.load(item) }
      reading = nil
      let (loaded, readingTime) = job.value()
      if overlaps, let next = after(index) {
        let item = cases[next]
        reading = (next, Job(isApart: true) { try run.load(item) })
      }
      let clock = ContinuousClock()
      let start = clock.now
      let result = Result { try run.segment(loaded.get()) }
      let seconds = readingTime + (clock.now - start).seconds
      try finishWriting()
      switch result {
      case .failure(let error): try note(item, .failed, seconds, error)
      case .success(let result):
        let folder = output + "/" + item.id
        writing = (item, seconds, Job(isApart: overlaps) { try write(result, folder) })
        if !overlaps { try finishWriting() }
      }
    }
    try finishWriting()
    return manifest
  }
}

/// A piece of work on a thread of its own, or done when its result is first asked for.
private final class Job<Value: Sendable>: Sendable {
  private let body: @Sendable () throws -> Value
  private let isApart: Bool
  private let finished = DispatchSemaphore(value: 0)
  private let outcome = Mutex<(result: Result<Value, any Error>, seconds: Double)?>(nil)

  /// Begins the work, if it is done apart.
  /// - Parameters:
  ///   - isApart: Whether a thread of its own does it.
  ///   - body: The work.
  init(isApart: Bool, _ body: @escaping @Sendable () throws -> Value) {
    self.body = body
    self.isApart = isApart
    guard isApart else { return }
    let threads = Parallelism.threadCount
    Thread.detachNewThread { [self] in
      Parallelism.$threadCount.withValue(threads) { perform() }
      finished.signal()
    }
  }

  private func perform() {
    let clock = ContinuousClock()
    let start = clock.now
    let result = Result { try body() }
    outcome.withLock { $0 = (result, (clock.now - start).seconds) }
  }

  /// Waits until the work is done.
  func wait() {
    guard isApart else { return }
    finished.wait()
    finished.signal()
  }

  /// The work's result, and how long it took in seconds.
  func value() -> (Result<Value, any Error>, Double) {
    if isApart { wait() } else { perform() }
    return outcome.withLock { outcome in
      guard let outcome else { preconditionFailure("work that never ended") }
      return (outcome.result, outcome.seconds)
    }
  }
}
