import Enhancement
import Pipelines
import Support

extension EnhanceCommand {
  /// Works on every image in turn.
  ///
  /// Of a batch, what fails is listed and never stops the others, and the manifest is written after each;
  /// one image that fails is the run's own failure.
  /// - Parameters:
  ///   - inputs: The images.
  ///   - model: The steps' names.
  ///   - folder: Where the manifest of a batch goes.
  ///   - context: Where to report, write and look for Ctrl-C.
  ///   - work: Does the work on an image and returns its seconds.
  /// - Returns: What became of each image.
  /// - Throws: `SupportError.interrupted`; what the work on a single image throws.
  func manifest(
    of inputs: SegmentationInputs,
    model: String,
    in folder: String,
    _ context: CommandContext,
    work: (SegmentationInputs.Case) throws -> Double
  ) throws -> SegmentationManifest {
    var manifest = SegmentationManifest(model: model)
    for item in inputs.separated {
      try context.interruption.check()
      var (failure, seconds) = (String?.none, 0.0)
      do {
        seconds = try work(item)
      } catch SupportError.interrupted {
        throw SupportError.interrupted
      } catch {
        guard inputs.isBatch else { throw error }
        let sentence = ExitReport(error, parser: LaminaCommand.self).sentence
        context.progress.warn("\(item.id): \(sentence)")
        failure = sentence
      }
      manifest.cases.append(
        SegmentationManifest.Case(
          id: item.id,
          input: item.path,
          status: failure == nil ? .done : .failed,
          seconds: seconds,
          peakMemoryMB: SegmentationRun.peakMemoryMB,
          error: failure
        )
      )
      guard inputs.isBatch else { continue }
      try context.outputs.replace(
        with: JSONOutput.data(manifest),
        at: folder + "/" + SegmentationManifest.fileName
      )
    }
    return manifest
  }
}

extension SegmentationManifest {
  /// How many cases failed.
  var failureCount: Int { cases.count { $0.status == .failed } }
}
