import Imaging
import ImagingIO
import Registration
import Support

/// Segments scans by laying labelled scans over them.
///
/// An atlas that has nothing in common with a scan is left out, which is said; without any left the scan
/// is refused.
struct RegisteredAtlasPredictor: ScanPredictor {
  let atlases: RegisteredAtlases

  func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    let target = scan.volumes[0].asFloat
    let registration = ImageRegistration(
      settings: atlases.settings,
      interruption: interruption,
      progress: progress
    )
    var maps: [LabelMap] = []
    var images: [Volume<Float>] = []
    var refusal: RegistrationError?
    for item in atlases.dataset.cases {
      let image = try NIfTIReader.read(item.image).volume.asFloat
      let labels = try NIfTIReader.readLabelMap(item.label, table: atlases.dataset.labels)
      try labels.checkTable()
      do {
        let transform = try registration.register(image, to: target).transform
        maps.append(labels.moved(through: transform))
        if atlases.fusion == .locallyWeighted {
          images.append(image.moved(through: transform, outside: image.voxels.min() ?? 0))
        }
      } catch let error as RegistrationError where error.failure != .usage {
        progress.warn("The atlas \(item.id) is left out: \(error.description)")
        refusal = error
      }
      try interruption.check()
    }
    if maps.isEmpty, let refusal { throw refusal }
    progress.begin("joining \(maps.count) atlases", total: nil)
    defer { progress.end() }
    return try atlases.fusion.fused(maps, images: images, target: target)
  }
}
