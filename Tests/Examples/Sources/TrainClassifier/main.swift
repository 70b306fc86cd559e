import Lamina

// usage: TrainClassifier PICTURES MODEL PICTURE
// PICTURES holds a folder of pictures for each class; MODEL is the new model's folder.
let arguments = CommandLine.arguments.dropFirst()
guard arguments.count == 3 else { fatalError("usage: TrainClassifier PICTURES MODEL PICTURE") }
let (pictures, model, question) = (arguments[1], arguments[2], arguments[3])

var request = ClassificationRequest()
request.network = "resnet18"
var learning = LearningConfiguration()
learning.steps = 60
learning.batchSize = 16

let trainer = try ClassificationTrainer(
  images: LabelledImages(path: pictures),
  request: request,
  checkpointFolder: model + ".training",
  progress: SilentProgress(),
  interruption: Interruption()
)
let outcome = try trainer.train(learning, budget: .steps, resumes: true)
print("accuracy on the pictures kept back:", outcome.evaluation?.accuracy?.value ?? .nan)

let trained = TrainedClassifier(
  outcome: outcome,
  origin: ModelOrigin(name: "mine", dataset: "pictures", command: "")
)
try OutputGuard(mayReplace: true).writeFolder(model) { try trained.write(to: $0) }
trainer.discardCheckpoints()

let recognizer = try ImageRecognizer(ModelPackage(path: model))
for finding in try recognizer.recognize(question, id: "question").findings {
  print(finding.name, finding.probability)
}
