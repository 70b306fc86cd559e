import ArgumentParser
import Networks

extension RecurrentConfiguration.Cell: ExpressibleByArgument {}

/// The options of every recurrent network that is trained.
struct RecurrenceOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Which recurrence.", valueName: "lstm|gru"))
  var cell = RecurrentConfiguration.Cell.lstm

  @Option(help: ArgumentHelp("Recurrent layers, one above the other.", valueName: "n"))
  var layers = 1

  func validate() throws {
    if !(1...16).contains(layers) { throw ValidationError("--layers must be 1 to 16.") }
  }
}
