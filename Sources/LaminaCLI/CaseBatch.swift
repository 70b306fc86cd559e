import Support

/// What became of one input of a run.
struct CaseResult<Result: Encodable>: Encodable {
  /// The input's name.
  let id: String
  /// The input; nil where its name says it.
  var input: String?
  /// "done" or "failed".
  let status: String
  /// What went wrong, one sentence; nil where nothing did.
  let error: String?
  /// What was found; nil where something went wrong.
  let result: Result?

  /// A result.
  init(id: String, input: String? = nil, _ result: Result) {
    (self.id, self.input, self.result) = (id, input, result)
    (status, error) = ("done", nil)
  }

  /// A failure.
  init(id: String, input: String? = nil, failed error: any ClassifiedError) {
    (self.id, self.input, result) = (id, input, nil)
    (status, self.error) = ("failed", error.description)
  }
}

extension CommandContext {
  /// Looks at inputs one after the other; one of several that fails is told and stops no other.
  /// - Parameters:
  ///   - items: The inputs: name and path.
  ///   - step: What is done, such as "looking at 3 images".
  ///   - tellsInput: Whether results hold the path.
  ///   - isBatch: Whether failures are results too; else the first is thrown.
  ///   - look: Gives the result of one input.
  /// - Returns: One result for each, in order.
  /// - Throws: `SupportError.interrupted`; what `look` throws, but for classified errors in a batch.
  func results<Result: Encodable>(
    of items: [(id: String, path: String)],
    _ step: String,
    tellsInput: Bool,
    isBatch: Bool,
    look: (String, String) throws -> Result
  ) throws -> [CaseResult<Result>] {
    var cases: [CaseResult<Result>] = []
    progress.begin(step, total: items.count)
    for (index, item) in items.enumerated() {
      try interruption.check()
      let input = tellsInput ? item.path : nil
      do {
        cases.append(CaseResult(id: item.id, input: input, try look(item.path, item.id)))
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        guard isBatch else { throw error }
        progress.warn("\(item.id): \(error.description)")
        cases.append(CaseResult(id: item.id, input: input, failed: error))
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    return cases
  }
}

extension Array {
  /// Whether all could be looked at.
  func outcome<Result>() -> CommandOutcome where Element == CaseResult<Result> {
    contains { $0.result == nil } ? .partial : .complete
  }

  /// The first twenty results in words, how many there are besides, and how many failed.
  func words<Result>(
    in output: String,
    _ line: (String, Result) -> String?
  ) -> String where Element == CaseResult<Result> {
    let failed = count { $0.result == nil }
    let lines = prefix(20).compactMap { item in item.result.flatMap { line(item.id, $0) } }
    let rest = count > 20 ? ["and \(count - 20) more in \(output)"] : []
    return (lines + rest + (failed > 0 ? ["\(failed) failed"] : [])).joined(separator: "\n")
  }
}
