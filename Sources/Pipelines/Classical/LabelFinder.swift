package import ClassicalSegmentation
import Support

/// What `--model` of `lamina segment` names: models, a classical method, or atlases.
package enum LabelFinder: Sendable {
  /// Models whose probabilities are averaged.
  case models([ModelPackage])
  /// A classical method.
  case method(any ClassicalMethod)
  /// Labelled scans that are laid over a scan.
  case atlases(RegisteredAtlases)

  /// Finds what texts name; a model of the store goes before a method of its name.
  /// - Parameters:
  ///   - texts: Names or folders of models, a method such as `otsu:classes=3`, or
  ///     `atlas:FOLDER`.
  ///   - store: Where models are looked for.
  /// - Throws: `PipelinesError.modelNotFound`, `.unfitEnsemble` for a method beside others; what
  ///   opening a model or atlases throws; what `ClassicalMethodCatalog.method(describedBy:)` throws.
  package init(_ texts: [String], store: ModelStore) throws {
    var models: [ModelPackage] = []
    for text in texts {
      if RegisteredAtlases.names(text) {
        guard texts.count == 1 else {
          throw PipelinesError.unfitEnsemble(reason: "\(text) names atlases, which run alone")
        }
        self = .atlases(try RegisteredAtlases(describedBy: text))
        return
      }
      do {
        models.append(try store.model(text))
      } catch PipelinesError.modelNotFound(_, _) where ClassicalMethodCatalog.names(text) {
        guard texts.count == 1 else {
          throw PipelinesError.unfitEnsemble(
            reason: "\(text) is a classical method, which runs alone; improve a model's labels by "
              + "--refine"
          )
        }
        self = .method(try ClassicalMethodCatalog.method(describedBy: text))
        return
      }
    }
    self = .models(models)
  }

  /// Its name for the manifest of a batch.
  package var name: String {
    switch self {
    case .models(let models): models.map(\.description.name).joined(separator: " + ")
    case .method(let method): method.text
    case .atlases(let atlases): atlases.text
    }
  }

  /// The structures' names; nil where they are not known before, or where labels count objects.
  package var structureNames: [String]? {
    switch self {
    case .models(let models):
      models.first.flatMap { model in
        model.description.plan.findsObjects ? nil : model.description.labels.map(\.name)
      }
    case .method: nil
    case .atlases(let atlases): atlases.dataset.labels.map(\.name)
    }
  }

  /// Whether each picture in a folder is a case.
  package var takesPictures: Bool {
    switch self {
    case .models(let models): models.allSatisfy(\.description.plan.isPicture)
    case .method: true
    case .atlases: false
    }
  }

  /// Makes a run of it.
  /// - Parameters:
  ///   - options: What the run depends on besides its inputs.
  ///   - progress: Told about reading and segmenting.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: The run.
  /// - Throws: What the run's initialisers throw.
  package func run(
    _ options: SegmentationRun.Options,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> SegmentationRun {
    switch self {
    case .models(let models):
      try SegmentationRun(
        models: models,
        options: options,
        progress: progress,
        interruption: interruption
      )
    case .method(let method):
      try SegmentationRun(
        method: method,
        options: options,
        progress: progress,
        interruption: interruption
      )
    case .atlases(let atlases):
      try SegmentationRun(
        atlases: atlases,
        options: options,
        progress: progress,
        interruption: interruption
      )
    }
  }
}
