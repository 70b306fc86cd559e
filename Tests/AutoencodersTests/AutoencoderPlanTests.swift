import Foundation
import Pipelines
import Testing

@Suite struct AutoencoderPlanTests {
  private static let images = RecognitionPlan(task: .embedding, imageSize: [16, 16], channels: 1)
  private static let anomaly = AutoencoderPlan(
    anomaly: AutoencoderPlan.Anomaly(normalClass: "normal", components: 3),
    images: images
  )

  @Test func plansSurviveJSON() throws {
    let plan = ModelPlan.autoencoder(Self.anomaly)
    let data = try JSONEncoder().encode(plan)
    #expect(try JSONDecoder().decode(ModelPlan.self, from: data) == plan)
    #expect(plan.summary.contains("unlike normal"))
  }

  @Test func valuesOutOfRangeAreSaid() throws {
    try Self.anomaly.check()
    let changes: [(inout AutoencoderPlan) -> Void] = [
      { $0.version = 2 }, { $0.anomaly?.window = 4 }, { $0.anomaly?.window = 17 },
      { $0.anomaly?.share = 0 }, { $0.anomaly?.floor = 0 }, { $0.anomaly?.quantile = 1 },
      { $0.anomaly?.threshold = .infinity }, { $0.anomaly?.components = 0 },
      { $0.anomaly = nil },
      { $0.inpainting = AutoencoderPlan.Inpainting(hiddenShares: [0.1, 0.2], corrects: true) },
      {
        $0.anomaly = nil
        $0.inpainting = AutoencoderPlan.Inpainting(hiddenShares: [0.3, 0.2], corrects: true)
      },
    ]
    for change in changes {
      var plan = Self.anomaly
      change(&plan)
      #expect(throws: PipelinesError.self) { try plan.check() }
    }
  }
}
