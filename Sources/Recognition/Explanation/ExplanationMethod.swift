/// How the part of an image that speaks for a class is found.
public enum ExplanationMethod: String, Codable, Sendable, CaseIterable {
  /// Gradient-weighted class activation maps (Selvaraju et al. 2017, equations 1 and 2).
  case gradCAM = "gradcam"
  /// Grad-CAM++ (Chattopadhay et al. 2018, equation 19).
  case gradCAMPlusPlus = "gradcam++"
  /// Integrated gradients (Sundararajan, Taly and Yan 2017, equation 3), from an image of the mean.
  case integratedGradients = "integrated-gradients"
  /// SmoothGrad (Smilkov et al. 2017): the mean gradient of noisy copies.
  case smoothGrad = "smoothgrad"
  /// Occlusion (Zeiler and Fergus 2014): what a hidden square takes away.
  case occlusion
  /// RISE (Petsiuk, Das and Saenko 2018, equation 6): the mean of random masks, weighted by what they keep.
  case rise

  /// Whether it weighs feature maps, which takes a network that gives them.
  var weighsMaps: Bool { self == .gradCAM || self == .gradCAMPlusPlus }

  /// The method's name for people.
  public var title: String {
    switch self {
    case .gradCAM: "Grad-CAM"
    case .gradCAMPlusPlus: "Grad-CAM++"
    case .integratedGradients: "integrated gradients"
    case .smoothGrad: "SmoothGrad"
    case .occlusion: "occlusion"
    case .rise: "RISE"
    }
  }
}
