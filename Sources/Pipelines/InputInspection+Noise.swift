import Imaging
import ImagingIO
import Transforms

extension InputInspection {
  /// How strong a volume's noise is.
  public struct Noise: Sendable, Equatable, Encodable {
    /// Its standard deviation, in the image's unit; of each of the two channels if it is Rician.
    public let sigma: Double
    /// How it was found: the case of `NoiseEstimate.Method`, such as `details`.
    public let method: String
    /// The method in words.
    public let explanation: String

    private enum CodingKeys: String, CodingKey { case sigma, method }

    init(_ estimate: NoiseEstimate) {
      sigma = estimate.sigma
      method = estimate.method.rawValue
      explanation =
        switch estimate.method {
        case .details: "Gaussian, by the median of wavelet details"
        case .background: "Rician, by the dark background"
        case .object: "Rician, by wavelet details of what is bright"
        }
    }
  }
}

extension AnyVolume {
  /// Voxels that are looked at, about; whole slices are taken.
  private static var noiseVoxels: Int { 2_000_000 }

  /// The noise of some slices; nil when it cannot be told, as for constants and label maps.
  var noise: InputInspection.Noise? {
    func estimate<Value: Sendable>(
      _ volume: Volume<Value>,
      _ single: (Value) -> Float
    ) -> InputInspection.Noise? {
      let size = volume.geometry.size
      let plane = size.x * size.y
      let count = min(size.z, max(1, Self.noiseVoxels / plane))
      var values: [Float] = []
      values.reserveCapacity(count * plane)
      for k in 0..<count {
        let z = (2 * k + 1) * size.z / (2 * count)
        values.append(contentsOf: volume.voxels[z * plane..<(z + 1) * plane].lazy.map(single))
      }
      return NoiseEstimation.estimate(values, size: SIMD3(size.x, size.y, count))
        .map { InputInspection.Noise($0) }
    }
    return switch self {
    case .int8(let volume): estimate(volume) { Float($0) }
    case .uint8(let volume): estimate(volume) { Float($0) }
    case .int16(let volume): estimate(volume) { Float($0) }
    case .uint16(let volume): estimate(volume) { Float($0) }
    case .int32(let volume): estimate(volume) { Float($0) }
    case .uint32(let volume): estimate(volume) { Float($0) }
    case .int64(let volume): estimate(volume) { Float($0) }
    case .uint64(let volume): estimate(volume) { Float($0) }
    case .float32(let volume): estimate(volume) { $0 }
    case .float64(let volume): estimate(volume) { Float($0) }
    }
  }
}
