import Support

/// What can go wrong in the flows that join data, networks and outputs.
public enum PipelinesError: ClassifiedError, Equatable {
  /// A plan holds an impossible value.
  case invalidPlan(reason: String)
  /// No model of this name or path.
  case modelNotFound(name: String, searched: [String])
  /// A model's file is missing, malformed, or not the one that its description names.
  case damagedModel(path: String, reason: String)
  /// A model of another program that needs what is not supported.
  case unsupportedModel(path: String, reason: String)
  /// This machine's scores of the model are not those of its self-test.
  case failedSelfTest(path: String, error: Double)
  /// The folder is not a data set in a known layout.
  case notADataset(path: String, reason: String)
  /// The data set has faults; one line each.
  case faultyDataset(path: String, faults: [String])
  /// The scan does not suit the model.
  case unsuitableScan(path: String, reason: String)
  /// The model has no structures: it is a start for trainings.
  case unsuitedModel(name: String)
  /// The model improves images and finds no structures.
  case enhancingModel(name: String)
  /// The model says what an image shows and finds no structures.
  case recognizingModel(name: String)
  /// The model finds structures, or is a start for trainings, and improves no images.
  case segmentingModel(name: String)
  /// A step before the segmentation does not go with what was asked for.
  case unfitStage(name: String, reason: String)
  /// The model has no structure of this name.
  case unknownStructure(name: String, known: [String])
  /// The model has no network of this name to average.
  case unknownMember(name: String, known: [String])
  /// The files are of no known program.
  case unknownModelFormat(path: String, known: [String])
  /// The source holds several models.
  case ambiguousModel(path: String, choices: [String])
  /// The source lacks a part.
  case missingPart(path: String, what: String, known: [String])
  /// The run needs more memory than it may take.
  case needsMoreMemory(bytes: Int, limit: Int)
  /// A picture has more objects than label maps can number.
  case tooManyObjects(limit: Int)
  /// A network gave scores that are infinite or not numbers.
  case infiniteScores
  /// Models of this kind do not give this output.
  case unavailableOutput(String)
  /// A classical method gives no class probabilities.
  case noProbabilities(method: String)
  /// There are no seeds for a case.
  case noSeeds(path: String, caseID: String)
  /// The networks of a model drop nothing, so that there is nothing to draw.
  case noDropout(model: String)
  /// A result folder lacks the files of `segment --write uncertainty`.
  case noUncertainty(path: String)
  /// Models cannot be averaged with each other.
  case unfitEnsemble(reason: String)
  /// Two inputs have one case name.
  case duplicateCase(id: String)
  /// Nothing to work on.
  case noInputs(path: String)
  /// A training step met a value that is not finite; the checkpoint, if any, is from before the step.
  case trainingDiverged(step: Int, reason: String, checkpoint: String?)
  /// A checkpoint does not belong to the run that was asked for.
  case checkpointMismatch(path: String, reason: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .invalidPlan, .damagedModel, .notADataset, .faultyDataset, .unsuitableScan,
      .checkpointMismatch, .trainingDiverged, .infiniteScores, .tooManyObjects,
      .unknownModelFormat, .missingPart:
      .damagedInput
    case .failedSelfTest: .internalFault
    case .ambiguousModel, .unknownStructure, .unknownMember, .duplicateCase, .unavailableOutput,
      .noProbabilities, .noDropout, .unfitEnsemble,
      .unsuitedModel, .enhancingModel, .recognizingModel,
      .segmentingModel, .unfitStage:
      .usage
    case .modelNotFound, .needsMoreMemory, .unsupportedModel: .missingComponent
    case .noInputs, .noSeeds, .noUncertainty: .missingInput
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .invalidPlan(let reason): "The model's plan is invalid: \(reason)."
    case .modelNotFound(let name, let searched):
      "There is no model \(name) in \(searched.joined(separator: ", ")); "
        + "lamina model list shows the models."
    case .damagedModel(let path, let reason):
      "The model \(path) is damaged: \(reason); obtain it again."
    case .unsupportedModel(let path, let reason):
      "The model \(path) cannot be imported: \(reason)."
    case .failedSelfTest(let path, let error):
      "The model \(path) gives other scores here than when it was made (relative error \(error)); "
        + "do not use it on this machine, and please report it."
    case .notADataset(let path, let reason):
      "\(path) is not a data set in nnU-Net's or the Decathlon's layout: \(reason)."
    case .faultyDataset(let path, let faults):
      "The data set \(path) has \(faults.count) \(faults.count == 1 ? "fault" : "faults"): "
        + faults.joined(separator: "; ") + "; lamina plan says what to do about each."
    case .unsuitedModel(let name):
      "\(name) has no structures; it is made for lamina train --from."
    case .enhancingModel(let name):
      "\(name) improves images and finds no structures; it is made for lamina enhance, and for "
        + "--stage of lamina segment."
    case .recognizingModel(let name):
      "\(name) finds no structures; it is made for lamina vision."
    case .segmentingModel(let name):
      "\(name) improves no images; lamina model list shows what the models do."
    case .unfitStage(let name, let reason):
      "The step \(name) does not go with the rest: \(reason)."
    case .unsuitableScan(let path, let reason): "\(path) does not suit the model: \(reason)."
    case .unknownStructure(let name, let known):
      "The model has no structure \(name); it has \(known.joined(separator: ", "))."
    case .unknownMember(let name, let known):
      "The model has no fold \(name); it has \(known.joined(separator: ", "))."
    case .unknownModelFormat(let path, let known):
      "\(path) holds no model of a known kind; known are \(known.joined(separator: ", "))."
    case .ambiguousModel(let path, let choices):
      "\(path) holds several models; choose one by --configuration: "
        + choices.joined(separator: ", ") + "."
    case .missingPart(let path, let what, let known):
      "\(path) lacks \(what)"
        + (known.isEmpty ? "" : "; it has \(known.prefix(12).joined(separator: ", "))")
        + "; obtain it completely."
    case .needsMoreMemory(let bytes, let limit):
      "The run needs \(ProcessMemory.gigabytes(bytes)) GB of memory at least, and --memory allows "
        + "\(ProcessMemory.gigabytes(limit)); allow more."
    case .infiniteScores:
      "The network gave scores beyond half precision; use a scan of the kind that the model was "
        + "trained on."
    case .tooManyObjects(let limit):
      "The model finds more than \(limit) objects, the most that a label map can number; cut the "
        + "picture into smaller ones."
    case .unfitEnsemble(let reason): "The models cannot be averaged: \(reason)."
    case .noProbabilities(let method):
      "\(method) gives no class probabilities; leave out --write probabilities and uncertainty."
    case .noUncertainty(let path):
      "\(path) has no uncertainty.nii.gz beside the label map; segment with --write uncertainty."
    case .noDropout(let model):
      "\(model) has a network without dropout to draw; train one with --dropout, or leave out "
        + "--uncertainty-samples."
    case .noSeeds(let path, let caseID):
      "The folder of seeds \(path) has no label map named \(caseID), such as \(caseID).nii.gz."
    case .unavailableOutput(let name):
      "A model of this kind gives no \(name); leave out --write \(name)."
    case .duplicateCase(let id):
      "Two inputs are named \(id); rename one or segment them in separate runs."
    case .noInputs(let path): "\(path) holds no scans."
    case .trainingDiverged(let step, let reason, let checkpoint):
      "Training broke down at step \(step): \(reason); train anew "
        + "with a smaller --learning-rate"
        + (checkpoint.map { " (the state before the step is in \($0))." } ?? ".")
    case .checkpointMismatch(let path, let reason):
      "\(path) belongs to another run: \(reason); remove it or choose another output."
    }
  }
}
