import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

/// `lamina train --enhance` with a discriminator, to another kind of images, and by diffusion.
@Suite struct AdversarialVerbTests {
  private func pictures(_ folder: TemporaryFolder, _ name: String, isNegative: Bool) throws {
    let path = folder.file(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for index in 0..<3 {
      var random = RandomStream(seed: UInt64(index))
      let samples = (0..<32 * 32).map { place in
        let value = 100 + 80 * sin(Double(place % 32 + 9 * index) / 6) + 10 * random.uniform()
        return UInt8(isNegative ? 255 - value : value)
      }
      let image = PNGImage(width: 32, height: 32, channels: 1, samples: .eightBit(samples))
      try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path + "/\(index).png"))
    }
  }

  @Test func picturesBecomeNegativesAndThePageShowsTheGame() throws {
    let folder = try TemporaryFolder()
    try pictures(folder, "a", isNegative: false)
    try pictures(folder, "b", isNegative: true)
    let (model, page) = (folder.file("negative"), folder.file("page.html"))
    let training = try Program.run(
      "train",
      folder.file("a"),
      "--enhance",
      "translate",
      "--to",
      folder.file("b"),
      "--paired",
      "--features",
      "4",
      "--depth",
      "2",
      "--batch",
      "2",
      "--patch",
      "16",
      "16",
      "16",
      "--epochs",
      "2",
      "--output",
      model,
      "--json"
    )
    #expect(training.status == 0, "\(training.error)")
    let result = try Program.run(
      "enhance",
      folder.file("a") + "/0.png",
      "--model",
      model,
      "--output",
      folder.file("o.png")
    )
    #expect(result.status == 0, "\(result.error)")
    let report = try Program.run("report", model, "--output", page)
    #expect(report.status == 0, "\(report.error)")
    let html = String(decoding: try Data(contentsOf: URL(fileURLWithPath: page)), as: UTF8.self)
    for words in ["can be invented", "Discriminator", "Norms of gradients"] {
      #expect(html.contains(words), "\(words)")
    }
    let card = try String(contentsOfFile: model + "/README.md", encoding: .utf8)
    #expect(card.contains("--enhance translation") && card.contains("--to b --paired"))
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    let folder = try TemporaryFolder()
    try pictures(folder, "a", isNegative: false)
    let (images, model) = (folder.file("a"), folder.file("m"))
    for options in [
      ["--adversarial", "srgan"], ["--enhance", "translate"],
      ["--enhance", "denoise", "--to", images], ["--enhance", "denoise", "--paired"],
      ["--enhance", "denoise", "--adversarial-weight", "1"],
      ["--enhance", "denoise", "--network", "diffusion", "--adversarial", "esrgan"],
      ["--enhance", "translate", "--to", images, "--noise", "rician"],
      ["--enhance", "denoise", "--network", "cyclegan"],
      ["--enhance", "denoise", "--adversarial", "srgan", "--adversarial-rate", "2"],
    ] {
      let result = try Program.start(["train", images, "--output", model] + options).wait()
      #expect(result.status == 64, "\(options): \(result.error)")
    }
    let enhanced = try Program.run(
      "enhance",
      images + "/0.png",
      "--model",
      "nlm",
      "--steps",
      "4",
      "--output",
      folder.file("o.png")
    )
    #expect(enhanced.status == 64)
  }
}
