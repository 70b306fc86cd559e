import ArgumentParser
import Foundation
import ImagingIO

/// Which of several series and volumes of an input is meant, and what may be done to its slices.
struct SelectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which series, by UID or by its number in `lamina info` (default: the only one).",
      valueName: "uid|number"
    )
  )
  var series: String?

  @Option(
    help: ArgumentHelp(
      "Which volume of the series, such as an echo or a phase, from 1 (default: the only one).",
      valueName: "number"
    )
  )
  var volume: Int?

  @Option(
    help: ArgumentHelp(
      "Which time point of a 4-D volume, from 1 (default: the only one).",
      valueName: "number"
    )
  )
  var timePoint: Int?

  @Option(
    help: ArgumentHelp("Only series of this modality, such as CT.", valueName: "modality")
  )
  var modality: String?

  @Option(
    help: ArgumentHelp(
      "Only series whose description matches, with * and ? as in a shell, in any case.",
      valueName: "pattern"
    )
  )
  var description: String?

  @Option(help: ArgumentHelp("Only series of at least this many slices.", valueName: "n"))
  var minimumSlices: Int?

  @Option(
    help: ArgumentHelp(
      "Only series whose slices are nearest to this plane.",
      valueName: "axial|coronal|sagittal"
    )
  )
  var plane: SlicePlane?

  @Option(
    help: ArgumentHelp("Only series whose slices lie at most this far apart, mm.", valueName: "mm")
  )
  var maximumSliceSpacing: Double?

  @Flag(
    help: """
      Resample tilted, shifted or unevenly spaced slices to a straight grid instead of refusing them.
      """
  )
  var regrid = false

  @Flag(help: "Turn PET into standardised uptake values by body weight (g/ml).")
  var suv = false

  /// The planes of slices.
  enum SlicePlane: String, ExpressibleByArgument, CaseIterable { case axial, coronal, sagittal }

  func validate() throws {
    for (name, value) in [("volume", volume), ("time-point", timePoint)] {
      if let value, value < 1 { throw ValidationError("--\(name) counts from 1, not \(value).") }
    }
    if let minimumSlices, minimumSlices < 1 {
      throw ValidationError("--minimum-slices is \(minimumSlices) but must be at least 1.")
    }
    if let maximumSliceSpacing, !(maximumSliceSpacing > 0) {
      throw ValidationError("--maximum-slice-spacing must be above 0 mm.")
    }
    if series != nil, !rules.isEmpty {
      throw ValidationError("--series names a series; leave the rules for series out.")
    }
  }

  private var rules: SeriesRules {
    var rules = SeriesRules()
    rules.modality = modality
    rules.descriptionPattern = description
    rules.minimumSlices = minimumSlices
    rules.plane = plane?.rawValue
    rules.maximumSliceSpacingMM = maximumSliceSpacing
    return rules
  }

  /// The selection that the options name.
  var selection: VolumeSelection {
    var selection = VolumeSelection(series: series, volume: volume)
    selection.timePoint = timePoint
    selection.rules = rules
    selection.regrids = regrid
    selection.usesSUV = suv
    return selection
  }
}
