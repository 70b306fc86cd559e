import Foundation
import Pipelines
import Support
import Testing

@Suite struct BundleConfigurationTests {
  private func configuration(_ text: String) throws -> BundleConfiguration {
    BundleConfiguration(try JSONTree(Data(text.utf8)))
  }

  private func evaluated(_ text: String) throws -> JSONTree {
    var expression = BundleExpression(text) { id throws(BundleFault) in
      guard id == "a::b" else { throw BundleFault("unknown \(id)") }
      return .number(6)
    }
    return try expression.value()
  }

  @Test func expressionsOfConstantsAreEvaluated() throws {
    #expect(try evaluated("[96] * 3") == .list([.number(96), .number(96), .number(96)]))
    #expect(try evaluated("(1, 2.5, -3e-1)") == .list([.number(1), .number(2.5), .number(-0.3)]))
    #expect(try evaluated("(4)") == .number(4))
    #expect(try evaluated("2 + 3 * 4 ** 2 // 5 - 1") == .number(10))
    #expect(try evaluated("-7 % 4") == .number(1))
    #expect(try evaluated("@a::b / 4") == .number(1.5))
    #expect(try evaluated("int(@a::b / 4)") == .number(1))
    #expect(try evaluated("'model' + \".pt\"") == .text("model.pt"))
    #expect(try evaluated("[True, None]") == .list([.bool(true), .null]))
    #expect(try evaluated("len([1, 2]) + abs(-1)") == .number(3))
  }

  @Test(arguments: [
    "__import__('os').system('ls')", "torch.device('cpu')", "[1] * 10 ** 9", "open('x')",
    "lambda x: x", "1 +", "(1, 2", "'a", "@nothing", "[1 2]", "1 if True else 2",
    String(repeating: "(", count: 500), String(repeating: "-", count: 5000) + "1", "1 / 0 + 1",
  ])
  func whatIsMoreThanConstantsIsRefused(_ text: String) {
    #expect(throws: BundleFault.self) { try evaluated(text) }
  }

  @Test func referencesAndMacrosAreFollowed() throws {
    let bundle = try configuration(
      """
      {"size": [1, 2, 3], "alias": "@size", "net": {"_target_": "a.b.UNet", "x": "$@alias::1 * 2"},
       "copy": "%net", "off": {"_target_": "X", "_disabled_": true},
       "list": {"_target_": "Y", "v": ["@size::0", "$@size + [4]"]}}
      """
    )
    #expect(try bundle.value("alias::2") == .number(3))
    #expect(try bundle.value("alias#2") == .number(3))
    #expect(try bundle.value("missing") == nil)
    func component(_ id: String) throws -> BundleComponent? {
      try bundle.value(id).flatMap { try bundle.component($0) }
    }
    let copy = try #require(try component("copy"))
    #expect(copy.target == "a.b.UNet")
    #expect(try copy.int("x") == 4)
    #expect(try component("off") == nil)
    let list = try #require(try component("list"))
    #expect(
      try list.value("v") == .list([.number(1), .list([1, 2, 3, 4].map { .number($0) })])
    )
  }

  @Test func circlesAndOtherFilesAreRefused() throws {
    let bundle = try configuration(
      """
      {"a": "@b", "b": "@a", "c": ["@c"], "d": "%other.json::x", "e": "$@e + 1"}
      """
    )
    for id in ["a", "b", "d"] { #expect(throws: BundleFault.self) { try bundle.value(id) } }
    for id in ["c", "e"] {
      let value = try #require(try bundle.value(id))
      #expect(throws: BundleFault.self) { try bundle.resolved(value) }
    }
  }

  @Test func transformsBecomeSteps() throws {
    let bundle = try configuration(
      """
      {"pre": {"_target_": "Compose", "transforms": [
        {"_target_": "LoadImaged", "keys": ["image", "label"]},
        {"_target_": "monai.transforms.Orientationd", "keys": "image", "axcodes": "RAS"},
        {"_target_": "SpacingD", "keys": ["image"], "pixdim": [1.5, 1.5, 2.0],
         "mode": ["bilinear"]},
        {"_target_": "ScaleIntensityRangeDict", "keys": "image", "a_min": -57, "a_max": 164,
         "b_min": 0.0, "b_max": 1.0, "clip": true},
        {"_target_": "Spacingd", "keys": "label", "pixdim": [9, 9, 9]},
        {"_target_": "CropForegroundd", "keys": "image", "source_key": "image",
         "select_fn": "$lambda x: x > 0", "margin": 4},
        {"_target_": "EnsureTyped", "keys": "image"}]},
       "inferer": {"_target_": "SlidingWindowInferer", "roi_size": "$[96] * 3",
        "sw_batch_size": 4, "overlap": 0.5, "mode": "gaussian"},
       "slices": {"_target_": "SliceInferer", "roi_size": [64, 32], "spatial_dim": 2},
       "post": {"_target_": "Compose", "transforms": [
        {"_target_": "Activationsd", "keys": "pred", "softmax": true},
        {"_target_": "Invertd", "keys": "pred", "transform": "@pre", "nearest_interp": false},
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": true},
        {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "applied_labels": 1},
        {"_target_": "SaveImaged", "keys": "pred", "output_dir": "$@nothing + 1"}]}}
      """
    )
    let transforms = BundleTransforms(configuration: bundle)
    let before = try #require(try bundle.value("pre"))
    let steps = try transforms.steps(transforms.chain(before))
    let expected: [VolumeStep] = [
      .orient(code: "RAS"),
      .space(mm: [1.5, 1.5, 2], interpolation: .linear, padding: .border),
      .scaleRange(low: -57, high: 164, newLow: 0, newHigh: 1, clips: true),
      .cropForeground(margin: [4, 4, 4], multiple: [1, 1, 1], allowsSmaller: false),
    ]
    #expect(steps == expected)
    #expect(
      try transforms.inferer(bundle.value("inferer"))
        == .windows(
          SlidingWindowPlan(
            size: [96, 96, 96],
            overlap: [0.5, 0.5, 0.5],
            blending: .gaussian
          )
        )
    )
    #expect(
      try transforms.inferer(bundle.value("slices"))
        == .windows(SlidingWindowPlan(size: [64, 32, 1], sliceAxis: 2))
    )
    let last = try #require(try bundle.value("post"))
    let after = try transforms.postprocessing(transforms.chain(last))
    #expect(after.activation == .softmax)
    #expect(after.inversion == .scores)
    #expect(after.components.first?.labels == [1])
    #expect(after.components.first?.precedesInversion == false)
  }

  @Test(arguments: [
    #"{"_target_": "RandFlipd", "keys": "image"}"#,
    #"{"_target_": "os.system", "command": "ls"}"#,
    #"{"_target_": "Spacingd", "keys": "image", "pixdim": 1, "diagonal": true}"#,
    #"{"_target_": "Spacingd", "keys": "image", "pixdim": 1, "mode": 3}"#,
    #"{"_target_": "DivisiblePadd", "keys": "image", "k": 16, "mode": "reflect"}"#,
    #"{"_target_": "CropForegroundd", "keys": "image", "select_fn": "$lambda x: x > 3"}"#,
    #"{"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": "$f()", "a_max": 2}"#,
  ])
  func unknownTransformsAreNamed(_ text: String) throws {
    let bundle = try configuration("{\"pre\": [\(text)]}")
    let transforms = BundleTransforms(configuration: bundle)
    let first = try #require(try bundle.value("pre::0"))
    let target = try #require(first["_target_"]?.text)
    let chain = try #require(try bundle.value("pre"))
    let fault = try #require(throws: BundleFault.self) {
      try transforms.steps(transforms.chain(chain))
    }
    #expect(fault.reason.contains(target))
  }

  @Test func nestedRegionsArePaintedFromTheOutermost() {
    #expect(MONAIBundle.order(of: ["Tumor core", "Whole tumor", "Enhancing tumor"]) == [1, 0, 2])
    #expect(MONAIBundle.order(of: ["a", "b"]) == [0, 1])
  }
}
