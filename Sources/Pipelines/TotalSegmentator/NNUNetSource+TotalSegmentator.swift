import Foundation

/// The models of TotalSegmentator that a source holds.
struct TotalSegmentatorParts {
  private struct Found {
    let place: String
    let task: TotalSegmentatorTask
    let part: Int
  }

  private let found: [Found]

  /// Looks for parts among the configurations of a source.
  init(_ files: ModelFiles, _ places: [String]) {
    found = places.compactMap { place in
      let prefix = place.isEmpty ? "" : place + "/"
      let components = (files.source + "/" + place).split(separator: "/").map(String.init)
      guard let name = components.last(where: { $0.hasPrefix("Dataset") }),
        let path = files.path(prefix + "dataset.json"),
        let dataset = try? NNUNetDataset(path),
        let known = TotalSegmentatorTask.recognised(dataset: name, labels: dataset.singleLabels)
      else { return nil }
      return Found(place: place, task: known.task, part: known.part)
    }
  }

  /// Where a part of a task lies, or nil.
  func place(_ task: TotalSegmentatorTask, _ part: Int) -> String? {
    // Two tasks may share a part, as those that look for regions do.
    found.first { $0.task.parts[$0.part].dataset == task.parts[part].dataset }?.place
  }

  /// The first part of the one task that is complete and not there to find regions for another.
  var firstPlace: String? {
    var complete: [TotalSegmentatorTask] = []
    for item in found where !complete.contains(item.task) {
      if item.task.parts.indices.allSatisfy({ place(item.task, $0) != nil }) {
        complete.append(item.task)
      }
    }
    let finders = complete.compactMap { $0.crop?.task }
    let chosen = complete.filter { !finders.contains($0) }
    return chosen.count == 1 ? place(chosen[0], 0) : nil
  }
}

extension NNUNetDataset {
  /// Labels of one number each by their names.
  fileprivate var singleLabels: [String: Int] {
    Dictionary(
      entries.compactMap { entry in
        entry.numbers.count == 1 ? (entry.name, entry.numbers[0]) : nil
      },
      uniquingKeysWith: { first, _ in first }
    )
  }
}

extension NNUNetSource {
  /// Adds what TotalSegmentator does around a model of its own, with the other models of its task.
  ///
  /// A model whose companions are not there stays a plain model of nnU-Net, which is noted.
  /// - Parameters:
  ///   - model: The model of the first part.
  ///   - dataset: Its data set.
  ///   - datasetName: The data set's name with its number.
  /// - Throws: What reading the other models throws.
  func addTotalSegmentator(
    to model: inout ImportedModel,
    dataset: NNUNetDataset,
    datasetName: String
  ) throws {
    guard
      let known = TotalSegmentatorTask.recognised(
        dataset: datasetName,
        labels: dataset.singleLabels
      )
    else { return }
    let task = known.task
    let parts = TotalSegmentatorParts(files, Self.configurations(files))
    let missing = Self.missing(task, parts, isOwn: true)
    guard known.part == 0, missing.isEmpty else {
      model.notes.append(
        "This is a part of TotalSegmentator's task \(task.name); without "
          + (missing.isEmpty ? "its first part" : missing.joined(separator: ", "))
          + " beside it, it was imported as a plain model of nnU-Net, which resamples otherwise."
      )
      return
    }
    let plan = try companions(of: task, parts, prefix: "", isOwn: true, model: &model)
    let table = task.definitions
    model.description.totalSegmentator = plan
    model.description.labels = table
    let mode = task.mode == .standard ? "" : " (\(task.mode.rawValue))"
    model.description.summary =
      "Segments \(table.count) structures: TotalSegmentator's task \(task.name)\(mode)."
    model.description.channels = [task.modality.rawValue]
  }

  /// The data sets of models that a task needs and that are not there.
  private static func missing(
    _ task: TotalSegmentatorTask,
    _ parts: TotalSegmentatorParts,
    isOwn: Bool
  ) -> [String] {
    let own = task.parts.indices.filter { !(isOwn && $0 == 0) && parts.place(task, $0) == nil }
      .map { task.parts[$0].dataset }
    return own + (task.crop?.task.map { missing($0, parts, isOwn: false) } ?? [])
  }

  /// Reads the other models of a task.
  private func companions(
    of task: TotalSegmentatorTask,
    _ parts: TotalSegmentatorParts,
    prefix: String,
    isOwn: Bool,
    model: inout ImportedModel
  ) throws -> TotalSegmentatorPlan {
    var stages: [ModelDescription.Stage] = []
    for index in task.parts.indices where !(isOwn && index == 0) {
      guard let place = parts.place(task, index) else { continue }
      let folder = place.isEmpty ? files : files.below(place)
      guard let path = folder.path("dataset.json") else { continue }
      let stage = try stage(
        folder,
        dataset: NNUNetDataset(path),
        prefix: "\(prefix)part\(index + 1)_"
      )
      stages.append(
        ModelDescription.Stage(
          network: stage.network,
          plan: .nnUNet(stage.plan),
          members: stage.members
        )
      )
      model.weights += stage.weights
      model.notes += stage.notes
      for (name, hash) in stage.hashes {
        model.description.origin?.files["\(task.parts[index].dataset)/\(name)"] = hash
      }
    }
    let finder = try task.crop?.task.map {
      try companions(of: $0, parts, prefix: prefix + "finder_", isOwn: false, model: &model)
    }
    return TotalSegmentatorPlan(task: task, parts: stages, finder: finder)
  }
}
