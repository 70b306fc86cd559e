import Foundation
import Imaging
import ImagingIO
import Pipelines
import Reporting

/// The pictures of a model's training as the report wants them.
struct TrainingPicturesInput {
  /// The structures, in the order of the classes after background.
  let labels: [LabelDefinition]

  /// One slice along the run, and the worst held-out scans.
  typealias Slices = (
    progress: [TrainingReportData.SliceRecord], worst: [TrainingReportData.SliceRecord]
  )

  /// Reads the pictures beside a model.
  /// - Parameter folder: A model package.
  /// - Returns: The slices; none when the file is gone, as it may be.
  /// - Throws: `ReportInputError.notAResult` when the file is damaged.
  func slices(_ folder: String) throws -> Slices {
    let path = folder + "/" + TrainingPictures.fileName
    guard let data = FileManager.default.contents(atPath: path) else { return ([], []) }
    do {
      let pictures = try JSONDecoder().decode(TrainingPictures.self, from: data)
      let progress = try pictures.example.map { picture in
        try picture.predictions.map { try slice(picture, $0, "step \($0.step)", path) }
      }
      let worst = try pictures.worst.compactMap { picture in
        try picture.predictions.last.map {
          try slice(
            picture,
            $0,
            picture.isPicture == true
              ? picture.caseID
              : "\(picture.caseID), slice \(picture.slice + 1) of \(picture.sliceCount)",
            path
          )
        }
      }
      return (progress ?? [], worst)
    } catch {
      throw ReportInputError.notAResult(path: path)
    }
  }

  private func slice(
    _ picture: SlicePicture,
    _ prediction: SlicePicture.Prediction,
    _ caption: String,
    _ path: String
  ) throws -> TrainingReportData.SliceRecord {
    let scan = try pixels(picture.scan, path)
    guard picture.spacingMM.count == 2 else { throw ReportInputError.notAResult(path: path) }
    let geometry = try ImageGeometry(
      size: [scan.width, scan.height, 1],
      spacing: [picture.spacingMM[0], picture.spacingMM[1], 1],
      origin: [0, 0, 0],
      direction: Orientation.lps.direction
    )
    func map(_ data: Data) throws -> LabelMap {
      let found = try pixels(data, path)
      guard found.width == scan.width, found.height == scan.height else {
        throw ReportInputError.notAResult(path: path)
      }
      return LabelMap(
        geometry: geometry,
        labels: found.values.map { value in
          labels.indices.contains(Int(value) - 1) ? UInt16(labels[Int(value) - 1].id) : 0
        },
        table: labels
      )
    }
    return TrainingReportData.SliceRecord(
      scan: Volume(geometry: geometry, voxels: scan.values.map(Float.init)),
      labels: try map(prediction.labels),
      reference: try map(picture.reference),
      caption: caption,
      isPicture: picture.isPicture == true
    )
  }

  private func pixels(
    _ data: Data,
    _ path: String
  ) throws -> (width: Int, height: Int, values: [UInt8]) {
    let image = try PNGDecoder.decode(data, path: path)
    guard image.channels == 1, case .eightBit(let values) = image.samples else {
      throw ReportInputError.notAResult(path: path)
    }
    return (image.width, image.height, values)
  }
}
