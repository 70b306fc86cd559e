/// The image with what a Gaussian mean takes away added again.
///
/// v + amount · (v − blurred v); the blur is that of `GaussianFilter`. Values are not cut off.
package struct UnsharpMask: VolumeFilter {
  package static let name = "unsharp"
  package static let removesNoise = false
  package static let paper =
    "Schreiber 1970, Wirephoto quality improvement by unsharp masking"
  package static let parameters = [
    FilterParameter("width", 1, 0.01...100, "standard deviation of the blur, mm"),
    FilterParameter("amount", 0.5, 0...10, "how much of the difference is added"),
    .dimensions,
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package func filtered(_ image: FilterImage) -> [Float] {
    let blurred = GaussianFilter.blurred(
      image.values,
      size: image.size,
      deviations: .init(repeating: values["width"]) / image.spacing,
      axes: image.axes(values)
    )
    let amount = Float(values["amount"])
    var result = image.values
    for i in result.indices { result[i] += amount * (result[i] - blurred[i]) }
    return result
  }
}
