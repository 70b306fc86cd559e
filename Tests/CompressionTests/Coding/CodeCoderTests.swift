import Compression
import Support
import Testing

@Suite struct CodeCoderTests {
  @Test func codesComeBack() {
    var random = RandomStream(seed: 2)
    let (channels, height, width) = (5, 6, 9)
    let codes = (0..<3).map { _ in
      (0..<channels * height * width).map { place in
        Int32((random.normal() * Double(place % 7)).rounded())
      }
    }
    var encoder = BinaryEncoder()
    let writer = CodeCoder(channels: channels)
    for code in codes { _ = writer.code(code, height: height, width: width, &encoder) }
    var decoder = BinaryDecoder(encoder.finish())
    let reader = CodeCoder(channels: channels)
    for code in codes {
      #expect(reader.code(nil, height: height, width: width, &decoder) == code)
    }
  }

  @Test func silentChannelsCostLittle() {
    var random = RandomStream(seed: 5)
    let (channels, side) = (16, 24)
    // One channel speaks.
    let code = (0..<channels * side * side).map {
      $0 < side * side ? Int32((3 * random.normal()).rounded()) : 0
    }
    var encoder = BinaryEncoder()
    _ = CodeCoder(channels: channels).code(code, height: side, width: side, &encoder)
    let bits = 8 * Double(encoder.finish().count) / Double(side * side)
    // Rounded Gaussian numbers of deviation 3 have 3.63 bits; what is learnt on the way costs too.
    #expect(bits > 3.4 && bits < 5.2)
  }
}
