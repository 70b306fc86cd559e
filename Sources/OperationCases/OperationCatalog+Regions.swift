import Layers
import Tensors

extension OperationCatalog {
  /// Regions within the map, across its border, beyond it, and smaller than a cell; images in any order.
  private static let regions = [
    ImageRegion(image: 1, edges: [1.3, 0.7, 9.1, 7.9]),
    ImageRegion(image: 0, edges: [-3.7, 2.2, 5.4, 25.6]),
    ImageRegion(image: 1, edges: [14.3, 10.1, 14.9, 10.7]),
    ImageRegion(image: 0, edges: [6.6, 3.1, 60.3, 41.7]),
    ImageRegion(image: 0, edges: [0, 0, 17.9, 13.9]),
  ]

  static let regionAlignments: [OperationCase] = {
    let shapes = [("", [2, 5, 7, 9]), ("-blocks", [2, 24, 7, 9])]
    return shapes.flatMap { name, shape in
      [0, 2].flatMap { ratio in
        [false, true].map { isAligned in
          OperationCase(
            "roi-align-\(ratio)\(isAligned ? "-aligned" : "")" + name,
            [shape]
          ) {
            regionAligned(
              $0[0],
              regions: regions,
              outputSize: [3, 4],
              scale: 0.5,
              samplingRatio: ratio,
              isAligned: isAligned
            )
          }
        }
      }
    } + [
      // Of no area, which programs treat in different ways, so that none is stored.
      OperationCase("roi-align-empty", [[2, 5, 7, 9]]) {
        let empty = ImageRegion(image: 0, edges: [6.2, 4.4, 6.2, 4.4])
        return regionAligned(
          $0[0],
          regions: regions + [empty],
          outputSize: [2, 2],
          scale: 0.5,
          isAligned: true
        )
      }
    ]
  }()
}
